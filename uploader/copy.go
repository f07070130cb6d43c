package uploader

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Copy makes dst a copy of an object of any size, at the server: in one request
// up to Profile.MaxCopy, as a multipart upload of copied parts above. src is as
// Head returned it, or has at least Key, Size and ETag.
func (u *Uploader) Copy(ctx context.Context, dst string, src objstore.Info, opts objstore.CopyOptions) (objstore.Info, error) {
	if src.Size <= u.profile.MaxCopy {
		info, err := u.store.Copy(ctx, dst, objstore.CopySource{Key: src.Key, IfMatch: src.ETag, SSE: customerKey(src.SSE)}, opts)
		if err != nil {
			return info, err
		}
		info.Key, info.Size = dst, src.Size
		return info, nil
	}
	if !u.profile.PartCopy {
		return objstore.Info{}, fmt.Errorf("copy %d bytes of %q: %w", src.Size, src.Key, objstore.ErrTooLarge)
	}
	if !opts.Replace {
		if !src.Full {
			full, err := u.store.Head(ctx, src.Key)
			if err != nil {
				return objstore.Info{}, fmt.Errorf("look at %q: %w", src.Key, err)
			}
			src.ObjectOptions, src.Full = full.ObjectOptions, true
		}
		own := opts.ObjectOptions
		opts.ObjectOptions = src.ObjectOptions
		opts.StorageClass, opts.ACL, opts.Grants, opts.SSE = own.StorageClass, own.ACL, own.Grants, own.SSE
	}
	return u.copyParts(ctx, dst, src, opts)
}

func (u *Uploader) copyParts(ctx context.Context, dst string, src objstore.Info, opts objstore.CopyOptions) (objstore.Info, error) {
	options, mark := u.tagged(opts.ObjectOptions, false)
	id, err := u.store.CreateMultipart(ctx, dst, options)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("begin copy to %q: %w", dst, err)
	}
	up := &upload{key: dst, mark: mark, ready: make(chan struct{}), ref: objstore.UploadRef{Key: dst, ID: id, SSE: customerKey(opts.SSE)}}
	close(up.ready)
	info, err := u.finishCopy(ctx, up, src, opts.Condition)
	if err != nil {
		u.abortAll([]*upload{up})
		return objstore.Info{}, err
	}
	info.Key, info.Size = dst, src.Size
	return info, nil
}

// finishCopy makes the parts of an upload of ranges of src, completes it, and makes
// sure that the store has all of it.
func (u *Uploader) finishCopy(ctx context.Context, up *upload, src objstore.Info, c objstore.Condition) (objstore.Info, error) {
	size := copyRange(src.Size, u.profile)
	parts := make([]sent, (src.Size+size-1)/size)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(u.cfg.Concurrency)
	for i := range parts {
		off := int64(i) * size
		at := span{off, min(off+size, src.Size)}
		g.Go(func() (err error) {
			r := remote{at, source{key: src.Key, etag: src.ETag, size: src.Size}, at.from}
			parts[i], err = u.copyPart(gctx, up, int32(i)+1, r, customerKey(src.SSE))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return objstore.Info{}, err
	}
	opts, list := u.completion(parts)
	opts.Condition = c
	expect := u.profile.JoinedETag(list)
	info, err := u.finishUpload(ctx, up, list, opts, expect)
	if err == nil {
		err = u.verify(ctx, up.key, &info, opts, expect)
	}
	return info, err
}

// leastRange is the least that is copied with one request of an object that takes
// several: enough that the requests are few, little enough that they go in parallel.
const leastRange = 512 << 20 // bytes

// copyRange is the size of the parts in which an object is copied, all the same but
// the last, as some stores insist: leastRange, or what the largest number of parts asks
// for, never more than one request may copy.
func copyRange(size int64, p *objstore.Profile) int64 {
	n := int64(p.PartNumbers())
	return min(alignUp(max(leastRange, (size+n-1)/n), p.Part.Align), p.MaxCopy)
}
