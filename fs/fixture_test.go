package fs

import (
	"io"
	"strings"
	"syscall"
	"testing"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

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
	config.Store, config.Cache = store, c
	if config.Uploader == nil {
		config.Uploader = newUploader(t, store, uploader.Config{})
	}
	f, err := newFileSystem(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.background.Wait)
	t.Cleanup(f.cancel)
	return f
}

func newUploader(t *testing.T, store objstore.Store, config uploader.Config) *uploader.Uploader {
	t.Helper()
	config.SpillDir = t.TempDir()
	u, err := uploader.New(t.Context(), store, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// asked is the file system as the kernel asks it.
func asked(f *FileSystem) fuse.RawFileSystem {
	return gofuse.NewNodeFS(f.root, &gofuse.Options{RootStableAttr: &gofuse.StableAttr{Ino: rootNumber}})
}

// mustCreate makes a file in the root, open for writing.
func mustCreate(t *testing.T, raw fuse.RawFileSystem, name string) (file fuse.InHeader, handle uint64) {
	t.Helper()
	var out fuse.CreateOut
	in := fuse.CreateIn{InHeader: fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, Flags: syscall.O_WRONLY, Mode: 0o644}
	if status := raw.Create(nil, &in, name, &out); !status.Ok() {
		t.Fatal(status)
	}
	return fuse.InHeader{NodeId: out.NodeId}, out.Fh
}

// mustLookup finds a name in the root.
func mustLookup(t *testing.T, raw fuse.RawFileSystem, name string) fuse.InHeader {
	t.Helper()
	var entry fuse.EntryOut
	must(t, raw.Lookup(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, name, &entry))
	return fuse.InHeader{NodeId: entry.NodeId}
}

func mustOpen(t *testing.T, raw fuse.RawFileSystem, file fuse.InHeader, flags uint32) (handle uint64) {
	t.Helper()
	var out fuse.OpenOut
	must(t, raw.Open(nil, &fuse.OpenIn{InHeader: file, Flags: flags}, &out))
	return out.Fh
}

// mustWrite writes from the beginning of a file.
func mustWrite(t *testing.T, raw fuse.RawFileSystem, file fuse.InHeader, handle uint64, data []byte) {
	t.Helper()
	_, status := raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: handle}, data)
	must(t, status)
}

// putText stores an object.
func putText(t *testing.T, store objstore.Store, key, text string) {
	t.Helper()
	body := objstore.Body{Reader: strings.NewReader(text), Size: int64(len(text)), Digest: objstore.SumOf(store.Profile().Digest, []byte(text))}
	if _, err := store.Put(t.Context(), key, body, objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// textOf is the content of an object.
func textOf(t *testing.T, store objstore.Store, key string) string {
	t.Helper()
	body, _, err := store.Get(t.Context(), key, objstore.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
