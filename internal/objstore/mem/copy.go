package mem

import (
	"context"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Copy implements objstore.Store.
func (s *Store) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (info objstore.Info, err error) {
	c := s.begin(objstore.OpCopy, dst)
	defer func() { c.end(err) }()
	if err := c.checkCopy(ctx, src, &opts); err != nil {
		return objstore.Info{}, err
	}
	from, err := c.source(src)
	if err != nil {
		return objstore.Info{}, err
	}
	o := &object{blob: from.blob, mod: s.modTime(), properties: inherit(from.properties, opts), checksum: from.checksum}
	o.etag = s.bodyETag(s.profile.PartETag, o.blob, o.properties.SSE)
	if o.checksum.IsZero() {
		o.checksum = o.sum(s.kept())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := c.checkPlaceLocked(opts.Condition); err != nil {
		return objstore.Info{}, err
	}
	if s.profile.KeepsTime && dst == src.Key {
		o.mod = from.mod
	}
	s.placeLocked(dst, o)
	return objstore.Info{Key: dst, ETag: o.etag, ModTime: o.mod, Checksum: o.checksum}, nil
}

// inherit gives a copy the properties that it gets at S3: class, encryption and
// ACL are never the source's, tags are unless others are given.
func inherit(from objstore.ObjectOptions, opts objstore.CopyOptions) objstore.ObjectOptions {
	own := cloneOptions(opts.ObjectOptions)
	if opts.Replace {
		if own.TagsFrom = ""; len(own.Tags) == 0 {
			own.Tags = from.Tags
		}
		return own
	}
	out := from
	out.StorageClass, out.SSE, out.ACL, out.Grants = own.StorageClass, own.SSE, own.ACL, own.Grants
	return out
}

func (c call) checkCopy(ctx context.Context, src objstore.CopySource, opts *objstore.CopyOptions) error {
	if err := c.alive(ctx); err != nil {
		return err
	}
	if err := c.checkName(); err != nil {
		return err
	}
	if err := c.checkProperties(&opts.ObjectOptions); err != nil {
		return err
	}
	switch {
	case c.s.profile.CheckCopy(opts.Condition) != nil:
		return c.unsupported("This store cannot keep the condition on the target of a Copy.")
	case src.Offset != 0 || src.Length != 0:
		return c.fail(objstore.ErrInvalid, 400, "InvalidArgument", "Copy takes whole objects.")
	case src.Key == c.key && !opts.Replace:
		return c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing its properties.")
	}
	return nil
}

// source finds the object to copy from.
func (c call) source(src objstore.CopySource) (*object, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	o := c.s.objects[src.Key]
	if o == nil {
		return nil, c.notFound()
	}
	if err := c.readableLocked(src.Key, src.IfMatch, src.SSE); err != nil {
		return nil, err
	}
	if n := src.Length; n > c.s.profile.MaxCopy || n == 0 && o.size > c.s.profile.MaxCopy {
		return nil, c.fail(objstore.ErrTooLarge, 400, "InvalidRequest",
			fmt.Sprintf("The specified copy source is larger than the maximum allowable size for a copy source: %d", c.s.profile.MaxCopy))
	}
	return o, nil
}

// UploadPartCopy implements objstore.Store.
func (s *Store) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (p objstore.Part, err error) {
	c := s.begin(objstore.OpUploadPartCopy, up.Key)
	defer func() { c.end(err) }()
	if !s.profile.PartCopy {
		return objstore.Part{}, c.unsupported("This store does not copy parts.")
	}
	u, err := c.checkPart(ctx, up, number)
	if err != nil {
		return objstore.Part{}, err
	}
	data, err := c.copyRange(src)
	if err != nil {
		return objstore.Part{}, err
	}
	p, err = c.addPart(ctx, up, s.newPart(u, number, data))
	p.Size = src.Length // the answer does not tell how long a whole object was
	return p, err
}

// copyRange cuts the range out of the source. S3 gives ranges only of objects
// that are larger than the smallest part.
func (c call) copyRange(src objstore.CopySource) (blob, error) {
	o, err := c.source(src)
	if err != nil {
		return blob{}, err
	}
	whole := src.Offset == 0 && src.Length == 0
	switch {
	case whole:
		return o.blob, nil
	case src.Offset < 0 || src.Length <= 0:
		return blob{}, c.fail(objstore.ErrInvalid, 400, "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
	case src.Offset+src.Length > o.size:
		return blob{}, c.fail(objstore.ErrRange, 416, "InvalidRange", fmt.Sprintf("Range specified is not valid for source object of size: %d", o.size))
	case o.size <= c.s.profile.Part.Min:
		return blob{}, c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "A range can be copied only of an object that is larger than the minimum part size.")
	}
	return o.slice(src.Offset, src.Length), nil
}
