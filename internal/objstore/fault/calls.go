package fault

import (
	"context"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// none is the result of a call that answers only with an error.
type none = struct{}

// Profile implements objstore.Store.
func (s *Store) Profile() *objstore.Profile { return s.under.Profile() }

// HeadBucket implements objstore.Store.
func (s *Store) HeadBucket(ctx context.Context) error {
	r := s.take(objstore.OpHeadBucket, "")
	_, err := around(ctx, r, objstore.OpHeadBucket, "", func() (none, error) {
		return none{}, s.under.HeadBucket(ctx)
	})
	return err
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	r := s.take(objstore.OpHead, key)
	return around(ctx, r, objstore.OpHead, key, func() (objstore.Info, error) {
		return s.under.Head(ctx, key)
	})
}

// Tags implements objstore.Store.
func (s *Store) Tags(ctx context.Context, key string) (map[string]string, error) {
	r := s.take(objstore.OpTags, key)
	return around(ctx, r, objstore.OpTags, key, func() (map[string]string, error) {
		return s.under.Tags(ctx, key)
	})
}

// Get implements objstore.Store. Truncate, Stall and Corrupt act on the body that is read.
func (s *Store) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	r := s.take(objstore.OpGet, key)
	if err := r.before(ctx, objstore.OpGet, key); err != nil {
		return nil, objstore.Info{}, err
	}
	body, info, err := s.under.Get(ctx, key, opts)
	switch {
	case r.Mode == LoseAnswer:
		if err == nil {
			body.Close()
		}
		return nil, objstore.Info{}, broken(objstore.OpGet, key)
	case err != nil:
		return nil, info, err
	case r.Mode == Truncate || r.Mode == Stall || r.Mode == Corrupt:
		size := info.Size - opts.Offset
		if opts.Length > 0 {
			size = min(size, opts.Length)
		}
		return &answer{ctx: ctx, body: body, rule: r, at: r.offset(size)}, info, nil
	}
	return body, info, nil
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	r := s.take(objstore.OpList, opts.Prefix)
	return around(ctx, r, objstore.OpList, opts.Prefix, func() (objstore.ListPage, error) {
		return s.under.List(ctx, opts)
	})
}

// Put implements objstore.Store. Truncate and Corrupt act on the body that is sent.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	r := s.take(objstore.OpPut, key)
	return around(ctx, r, objstore.OpPut, key, func() (objstore.Info, error) {
		info, err := s.under.Put(ctx, key, r.body(body), opts)
		if err == nil {
			info.Size = body.Size // as the sender believes
		}
		return info, err
	})
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	r := s.take(objstore.OpCreateMultipart, key)
	return around(ctx, r, objstore.OpCreateMultipart, key, func() (string, error) {
		return s.under.CreateMultipart(ctx, key, opts)
	})
}

// UploadPart implements objstore.Store. Truncate and Corrupt act on the body that is sent.
func (s *Store) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	r := s.take(objstore.OpUploadPart, up.Key)
	return around(ctx, r, objstore.OpUploadPart, up.Key, func() (objstore.Part, error) {
		p, err := s.under.UploadPart(ctx, up, number, r.body(body))
		if err == nil {
			p.Size = body.Size // as the sender believes
		}
		return p, err
	})
}

// UploadPartCopy implements objstore.Store.
func (s *Store) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	r := s.take(objstore.OpUploadPartCopy, up.Key)
	return around(ctx, r, objstore.OpUploadPartCopy, up.Key, func() (objstore.Part, error) {
		return s.under.UploadPartCopy(ctx, up, number, src)
	})
}

// Complete implements objstore.Store.
func (s *Store) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	r := s.take(objstore.OpComplete, up.Key)
	return around(ctx, r, objstore.OpComplete, up.Key, func() (objstore.Info, error) {
		return s.under.Complete(ctx, up, parts, opts)
	})
}

// Abort implements objstore.Store.
func (s *Store) Abort(ctx context.Context, up objstore.UploadRef) error {
	r := s.take(objstore.OpAbort, up.Key)
	_, err := around(ctx, r, objstore.OpAbort, up.Key, func() (none, error) {
		return none{}, s.under.Abort(ctx, up)
	})
	return err
}

// ListParts implements objstore.Store.
func (s *Store) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error) {
	r := s.take(objstore.OpListParts, up.Key)
	return around(ctx, r, objstore.OpListParts, up.Key, func() (objstore.PartPage, error) {
		return s.under.ListParts(ctx, up, after)
	})
}

// ListUploads implements objstore.Store.
func (s *Store) ListUploads(ctx context.Context, opts objstore.ListUploadsOptions) (objstore.UploadPage, error) {
	r := s.take(objstore.OpListUploads, opts.Prefix)
	return around(ctx, r, objstore.OpListUploads, opts.Prefix, func() (objstore.UploadPage, error) {
		return s.under.ListUploads(ctx, opts)
	})
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	r := s.take(objstore.OpDelete, key)
	_, err := around(ctx, r, objstore.OpDelete, key, func() (none, error) {
		return none{}, s.under.Delete(ctx, key)
	})
	return err
}

// DeleteMany implements objstore.Store. A rule is for it if it is for any of the keys.
func (s *Store) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	r := s.take(objstore.OpDeleteMany, keys...)
	return around(ctx, r, objstore.OpDeleteMany, "", func() (map[string]error, error) {
		return s.under.DeleteMany(ctx, keys)
	})
}

// Copy implements objstore.Store. The key of the rule is that of the target.
func (s *Store) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	r := s.take(objstore.OpCopy, dst)
	return around(ctx, r, objstore.OpCopy, dst, func() (objstore.Info, error) {
		return s.under.Copy(ctx, dst, src, opts)
	})
}
