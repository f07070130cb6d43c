package meter

import (
	"context"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// HeadBucket implements objstore.Store.
func (s *Store) HeadBucket(ctx context.Context) error {
	return alone(s, objstore.OpHeadBucket, func() error { return s.under.HeadBucket(ctx) })
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	return around(s, objstore.OpHead, func() (objstore.Info, error) { return s.under.Head(ctx, key) })
}

// Tags implements objstore.Store.
func (s *Store) Tags(ctx context.Context, key string) (map[string]string, error) {
	return around(s, objstore.OpTags, func() (map[string]string, error) { return s.under.Tags(ctx, key) })
}

// Get implements objstore.Store. It is counted when the answer begins, and its body
// as it is read.
func (s *Store) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	var info objstore.Info
	body, err := around(s, objstore.OpGet, func() (body io.ReadCloser, err error) {
		body, info, err = s.under.Get(ctx, key, opts)
		return body, err
	})
	if err != nil {
		return nil, info, err
	}
	return &counted{body, s}, info, nil
}

// counted is a body that is being read.
type counted struct {
	io.ReadCloser
	s *Store
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.s.received.Add(int64(n))
	return n, err
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	return around(s, objstore.OpList, func() (objstore.ListPage, error) { return s.under.List(ctx, opts) })
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	info, err := around(s, objstore.OpPut, func() (objstore.Info, error) { return s.under.Put(ctx, key, body, opts) })
	s.bodySent(body, err)
	return info, err
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	return around(s, objstore.OpCreateMultipart, func() (string, error) { return s.under.CreateMultipart(ctx, key, opts) })
}

// UploadPart implements objstore.Store.
func (s *Store) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	part, err := around(s, objstore.OpUploadPart, func() (objstore.Part, error) { return s.under.UploadPart(ctx, up, number, body) })
	s.bodySent(body, err)
	return part, err
}

// bodySent counts a body that arrived. How much of one that did not was sent,
// nobody knows.
func (s *Store) bodySent(body objstore.Body, err error) {
	if err == nil {
		s.sent.Add(body.Size)
	}
}

// UploadPartCopy implements objstore.Store.
func (s *Store) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	return around(s, objstore.OpUploadPartCopy, func() (objstore.Part, error) { return s.under.UploadPartCopy(ctx, up, number, src) })
}

// Complete implements objstore.Store.
func (s *Store) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	return around(s, objstore.OpComplete, func() (objstore.Info, error) { return s.under.Complete(ctx, up, parts, opts) })
}

// Abort implements objstore.Store.
func (s *Store) Abort(ctx context.Context, up objstore.UploadRef) error {
	return alone(s, objstore.OpAbort, func() error { return s.under.Abort(ctx, up) })
}

// ListParts implements objstore.Store.
func (s *Store) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error) {
	return around(s, objstore.OpListParts, func() (objstore.PartPage, error) { return s.under.ListParts(ctx, up, after) })
}

// ListUploads implements objstore.Store.
func (s *Store) ListUploads(ctx context.Context, opts objstore.ListUploadsOptions) (objstore.UploadPage, error) {
	return around(s, objstore.OpListUploads, func() (objstore.UploadPage, error) { return s.under.ListUploads(ctx, opts) })
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return alone(s, objstore.OpDelete, func() error { return s.under.Delete(ctx, key) })
}

// DeleteMany implements objstore.Store. One request counts once, however many of
// its keys failed.
func (s *Store) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	return around(s, objstore.OpDeleteMany, func() (map[string]error, error) { return s.under.DeleteMany(ctx, keys) })
}

// Copy implements objstore.Store.
func (s *Store) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	return around(s, objstore.OpCopy, func() (objstore.Info, error) { return s.under.Copy(ctx, dst, src, opts) })
}
