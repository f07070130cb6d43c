package mem

import (
	"bytes"
	"context"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (info objstore.Info, err error) {
	c := s.begin(objstore.OpHead, key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return objstore.Info{}, err
	}
	if err := c.checkName(); err != nil {
		return objstore.Info{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	if o == nil {
		return objstore.Info{}, c.notFound()
	}
	info = o.told(key)
	info.Told = s.modTime()
	info.Restore = s.frozenLocked(key)
	return info, nil
}

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string, opts objstore.GetOptions) (body io.ReadCloser, info objstore.Info, err error) {
	c := s.begin(objstore.OpGet, key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return nil, objstore.Info{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	if o == nil {
		return nil, objstore.Info{}, c.notFound()
	}
	if err := c.readableLocked(key, opts.IfMatch, opts.SSE); err != nil {
		return nil, objstore.Info{}, err
	}
	off, n := opts.Offset, opts.Length
	if off < 0 || n < 0 {
		return nil, objstore.Info{}, c.fail(objstore.ErrInvalid, 400, "InvalidArgument", "A range cannot be negative.")
	}
	if off > 0 && off >= o.size || n > 0 && o.size == 0 {
		return nil, objstore.Info{}, c.fail(objstore.ErrRange, 416, "InvalidRange", "The requested range is not satisfiable")
	}
	if n == 0 || n > o.size-off {
		n = o.size - off
	}
	return &ctxReader{ctx, &blobReader{c, o.slice(off, n).chunks}}, o.told(key), nil
}

// readableLocked tells why an object that exists may not be read as asked.
func (c call) readableLocked(key, ifMatch string, sse objstore.SSE) error {
	o := c.s.objects[key]
	own := o.properties.SSE
	switch {
	case ifMatch != "" && ifMatch != o.etag:
		return c.precondition()
	case c.s.frozenLocked(key):
		return c.fail(objstore.ErrArchived, 403, "InvalidObjectState", "The operation is not valid for the object's storage class")
	case own.Mode == sseCustomer && sse.Mode != sseCustomer:
		return c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided.")
	case own.Mode != sseCustomer && sse.Mode == sseCustomer:
		return c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "The encryption parameters are not applicable to this object.")
	case own.Mode == sseCustomer && !bytes.Equal(own.CustomerKey, sse.CustomerKey):
		return c.fail(objstore.ErrAccessDenied, 403, "AccessDenied", "Access Denied")
	}
	return nil
}

func (s *Store) frozenLocked(key string) bool {
	return archived(s.objects[key].properties.StorageClass) && !s.thawed[key]
}

// ctxReader ends with the context of its request, as a body from a network does.
type ctxReader struct {
	ctx context.Context
	r   *blobReader
}

func (r *ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, &objstore.Error{Op: r.r.call.op, Key: r.r.call.key, Kind: err}
	}
	return r.r.Read(p)
}

func (r *ctxReader) WriteTo(w io.Writer) (int64, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, &objstore.Error{Op: r.r.call.op, Key: r.r.call.key, Kind: err}
	}
	return r.r.WriteTo(w)
}

func (r *ctxReader) Close() error { return r.r.Close() }
