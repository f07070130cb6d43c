package mem

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (info objstore.Info, err error) {
	c := s.begin(objstore.OpPut, key)
	defer func() { c.end(err) }()
	if err := c.checkPut(ctx, body, &opts); err != nil {
		return objstore.Info{}, err
	}
	data, err := c.receive(body)
	if err != nil {
		return objstore.Info{}, err
	}
	o := &object{
		blob:       data,
		etag:       s.bodyETag(s.profile.PartETag, data, opts.SSE),
		mod:        s.modTime(),
		properties: cloneOptions(opts.ObjectOptions),
		checksum:   data.sum(s.kept()),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resolveTagsLocked(&o.properties)
	if err := c.checkPlaceLocked(opts.Condition); err != nil {
		return objstore.Info{}, err
	}
	if err := c.alive(ctx); err != nil {
		return objstore.Info{}, err
	}
	s.placeLocked(key, o)
	return objstore.Info{Key: key, ETag: o.etag, Size: o.size, ModTime: o.mod, Checksum: o.checksum}, nil
}

func (c call) checkPut(ctx context.Context, body objstore.Body, opts *objstore.PutOptions) error {
	if err := c.alive(ctx); err != nil {
		return err
	}
	if err := c.checkName(); err != nil {
		return err
	}
	if err := c.checkProperties(&opts.ObjectOptions); err != nil {
		return err
	}
	if c.s.profile.CheckPut(opts.Condition) != nil {
		return c.unsupported("This store cannot keep the condition on a Put.")
	}
	if body.Size > c.s.profile.MaxPut {
		return c.fail(objstore.ErrTooLarge, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	}
	return nil
}

// receive takes a body in and holds it against its digest.
func (c call) receive(body objstore.Body) (blob, error) {
	b, err := readBody(body)
	c.in(int64(len(b)))
	if err != nil {
		return blob{}, &objstore.Error{Op: c.op, Key: c.key, Kind: objstore.ErrInvalid, Code: "IncompleteBody", Err: err}
	}
	data := blobOf(b)
	return data, c.checkDigest(data, body.Digest)
}

// placeLocked makes the object visible.
func (s *Store) placeLocked(key string, o *object) {
	if s.objects[key] == nil {
		s.names.add(key)
	}
	s.objects[key] = o
	delete(s.thawed, key)
}
