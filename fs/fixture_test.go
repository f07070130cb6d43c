package fs

import (
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// newServed makes a file system over a store that no kernel asks anything.
func newServed(t *testing.T, store objstore.Store, names cache.Config, config Config) *FileSystem {
	t.Helper()
	c, err := cache.New(store, names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	u, err := uploader.New(t.Context(), store, uploader.Config{SpillDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	config.Store, config.Cache, config.Uploader = store, c, u
	f, err := newFileSystem(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.background.Wait)
	t.Cleanup(f.cancel)
	return f
}
