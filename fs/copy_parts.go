package fs

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// copyPart is the least that is copied with one request of an object that takes
// several: enough that the requests are few, little enough that they go in parallel.
const copyPart = 512 << 20 // bytes

// copyParts copies an object that is too large for one request, part by part.
func (f *FileSystem) copyParts(ctx context.Context, key string, source objstore.Info, attr *attributes) (objstore.Info, error) {
	fail := func(err error) (objstore.Info, error) {
		return objstore.Info{}, fmt.Errorf("copy %q of %d bytes: %w", source.Key, source.Size, err)
	}
	p := f.cfg.Store.Profile()
	if !p.PartCopy {
		return fail(objstore.ErrUnsupported)
	}
	source, err := f.fullSource(ctx, source) // a new upload takes over nothing by itself
	if err != nil {
		return fail(err)
	}
	o, source, err := f.copyOptions(ctx, key, source, attr)
	if err != nil {
		return fail(err)
	}
	id, err := f.cfg.Store.CreateMultipart(ctx, key, o.ObjectOptions)
	if err != nil {
		return fail(err)
	}
	up := objstore.UploadRef{Key: key, ID: id, SSE: o.SSE}
	parts, err := f.copyRanges(ctx, up, source)
	if err == nil {
		var info objstore.Info
		info, err = f.cfg.Store.Complete(ctx, up, parts, objstore.CompleteOptions{Size: source.Size})
		if err == nil {
			return copied(info, key, source, o.ObjectOptions), nil
		}
	}
	return fail(errors.Join(err, f.cfg.Store.Abort(f.ctx, up)))
}

func (f *FileSystem) copyRanges(ctx context.Context, up objstore.UploadRef, source objstore.Info) ([]objstore.Part, error) {
	size := copyRange(source.Size, f.cfg.Store.Profile())
	parts := make([]objstore.Part, (source.Size+size-1)/size)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copies)
	for i := range parts {
		off := int64(i) * size
		src := objstore.CopySource{
			Key: source.Key, IfMatch: source.ETag, SSE: source.SSE,
			Offset: off, Length: min(size, source.Size-off),
		}
		group.Go(func() error {
			part, err := f.cfg.Store.UploadPartCopy(ctx, up, int32(i+1), src)
			parts[i] = part
			return err
		})
	}
	return parts, group.Wait()
}

// copyRange is the size of the parts in which an object is copied: copyPart, or
// what the largest number of parts asks for, never more than one request may copy.
func copyRange(size int64, p *objstore.Profile) int64 {
	part := int64(copyPart)
	if n := int64(p.PartNumbers()); n > 0 {
		part = max(part, (size+n-1)/n)
	}
	if align := p.Part.Align; align > 1 {
		part = (part + align - 1) / align * align
	}
	return min(part, p.MaxCopy)
}
