package cache

import (
	"context"
	"fmt"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Reader reads one version of an object.
type Reader struct {
	store Store
	info  objstore.Info
}

// Open returns a reader of the version that info names. Close it.
func (c *Cache) Open(info objstore.Info) *Reader { return &Reader{c.store, info} }

// ReadAt fills p from an offset; it returns fewer bytes only at the end of the object.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	n := min(int64(len(p)), r.info.Size-off)
	if n <= 0 {
		return 0, nil
	}
	body, _, err := r.store.Get(ctx, r.info.Key, objstore.GetOptions{Offset: off, Length: n, IfMatch: r.info.ETag, SSE: r.info.SSE})
	if err != nil {
		return 0, fmt.Errorf("read %q: %w", r.info.Key, err)
	}
	defer body.Close()
	k, err := io.ReadFull(body, p[:n])
	if err != nil {
		return k, fmt.Errorf("read %q: %w", r.info.Key, err)
	}
	return k, nil
}

// Close ends the reader.
func (r *Reader) Close() {}
