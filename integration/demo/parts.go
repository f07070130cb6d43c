package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// arrived is what the store has of an object that is not finished.
type arrived struct {
	parts int
	bytes int64
}

// arrived counts the parts of all unfinished uploads of a key.
func (st *stage) arrived(ctx context.Context, key string) (arrived, error) {
	var sum arrived
	uploads, err := st.uploads(ctx, key)
	if err != nil {
		return sum, err
	}
	for _, up := range uploads {
		for after := int32(0); ; {
			page, err := st.store.ListParts(ctx, objstore.UploadRef{Key: up.Key, ID: up.ID}, after)
			if err != nil {
				return sum, err
			}
			for _, part := range page.Parts {
				sum.parts++
				sum.bytes += part.Size
			}
			if after = page.Next; after == 0 {
				break
			}
		}
	}
	return sum, nil
}

// uploads returns the unfinished uploads of all keys with a prefix.
func (st *stage) uploads(ctx context.Context, prefix string) ([]objstore.Upload, error) {
	var all []objstore.Upload
	opts := objstore.ListUploadsOptions{Prefix: prefix}
	for {
		page, err := st.store.ListUploads(ctx, opts)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Uploads...)
		if page.NextKeyMarker == "" {
			return all, nil
		}
		opts.KeyMarker, opts.UploadIDMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

// checkUnseen wants no object under a key whose file is still being written.
func (st *stage) checkUnseen(ctx context.Context, key string) error {
	_, err := st.store.Head(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil
	case err == nil:
		return fmt.Errorf("the object %q is there before its file was closed", key)
	}
	return err
}
