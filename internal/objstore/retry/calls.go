package retry

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// none is the result of a call that answers only with an error.
type none = struct{}

// Profile implements objstore.Store.
func (s *Store) Profile() *objstore.Profile { return s.under.Profile() }

// HeadBucket implements objstore.Store.
func (s *Store) HeadBucket(ctx context.Context) error {
	_, err := repeat(ctx, s, s.meta(objstore.OpHeadBucket, ""), func(ctx context.Context) (none, error) {
		return none{}, s.under.HeadBucket(ctx)
	})
	return err
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	return repeat(ctx, s, s.meta(objstore.OpHead, key), func(ctx context.Context) (objstore.Info, error) {
		return s.under.Head(ctx, key)
	})
}

// Tags implements objstore.Store.
func (s *Store) Tags(ctx context.Context, key string) (map[string]string, error) {
	return repeat(ctx, s, s.meta(objstore.OpTags, key), func(ctx context.Context) (map[string]string, error) {
		return s.under.Tags(ctx, key)
	})
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	return repeat(ctx, s, s.meta(objstore.OpList, opts.Prefix), func(ctx context.Context) (objstore.ListPage, error) {
		return s.under.List(ctx, opts)
	})
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	return repeat(ctx, s, s.body(objstore.OpPut, key, body.Size), func(ctx context.Context) (objstore.Info, error) {
		return s.under.Put(ctx, key, body, opts)
	})
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	return repeat(ctx, s, s.meta(objstore.OpCreateMultipart, key), func(ctx context.Context) (string, error) {
		return s.under.CreateMultipart(ctx, key, opts)
	})
}

// UploadPart implements objstore.Store.
func (s *Store) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	return repeat(ctx, s, s.body(objstore.OpUploadPart, up.Key, body.Size), func(ctx context.Context) (objstore.Part, error) {
		return s.under.UploadPart(ctx, up, number, body)
	})
}

// UploadPartCopy implements objstore.Store.
func (s *Store) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	c := call{objstore.OpUploadPartCopy, up.Key, s.bodies, s.cfg.Long}
	return repeat(ctx, s, c, func(ctx context.Context) (objstore.Part, error) {
		return s.under.UploadPartCopy(ctx, up, number, src)
	})
}

// Complete implements objstore.Store.
func (s *Store) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	return repeat(ctx, s, s.commit(objstore.OpComplete, up.Key), func(ctx context.Context) (objstore.Info, error) {
		return s.under.Complete(ctx, up, parts, opts)
	})
}

// Abort implements objstore.Store.
func (s *Store) Abort(ctx context.Context, up objstore.UploadRef) error {
	_, err := repeat(ctx, s, s.meta(objstore.OpAbort, up.Key), func(ctx context.Context) (none, error) {
		return none{}, s.under.Abort(ctx, up)
	})
	return err
}

// ListParts implements objstore.Store.
func (s *Store) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error) {
	return repeat(ctx, s, s.meta(objstore.OpListParts, up.Key), func(ctx context.Context) (objstore.PartPage, error) {
		return s.under.ListParts(ctx, up, after)
	})
}

// ListUploads implements objstore.Store.
func (s *Store) ListUploads(ctx context.Context, opts objstore.ListUploadsOptions) (objstore.UploadPage, error) {
	return repeat(ctx, s, s.meta(objstore.OpListUploads, opts.Prefix), func(ctx context.Context) (objstore.UploadPage, error) {
		return s.under.ListUploads(ctx, opts)
	})
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	_, err := repeat(ctx, s, s.meta(objstore.OpDelete, key), func(ctx context.Context) (none, error) {
		return none{}, s.under.Delete(ctx, key)
	})
	return err
}

// Copy implements objstore.Store.
func (s *Store) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	return repeat(ctx, s, s.commit(objstore.OpCopy, dst), func(ctx context.Context) (objstore.Info, error) {
		return s.under.Copy(ctx, dst, src, opts)
	})
}
