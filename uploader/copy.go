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
	// As few parts as can be, all of one size but the last: some stores insist.
	n := (src.Size + u.profile.MaxCopy - 1) / u.profile.MaxCopy
	size := min(alignUp((src.Size+n-1)/n, u.profile.Part.Align), u.profile.MaxCopy)
	n = (src.Size + size - 1) / size
	parts := make([]sent, n)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(u.cfg.Concurrency)
	for i := range n {
		at := span{i * size, min((i+1)*size, src.Size)}
		g.Go(func() (err error) {
			r := remote{at, source{key: src.Key, etag: src.ETag, size: src.Size}, at.from}
			parts[i], err = u.copyPart(gctx, up, int32(i)+1, r)
			return err
		})
	}
	err = g.Wait()
	var info objstore.Info
	if err == nil {
		done, list := u.completion(parts)
		done.Condition = opts.Condition
		info, err = u.finishUpload(ctx, up, list, done, u.profile.JoinedETag(list))
	}
	if err != nil {
		u.abortAll([]*upload{up})
		return objstore.Info{}, err
	}
	info.Key, info.Size = dst, src.Size
	return info, nil
}
