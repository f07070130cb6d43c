package fs

import (
	"sync"
	"syscall"
	"testing"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestAllocateWhileWriting reserves the beginning of a file while its pages come, as the
// kernel sends them whenever it likes: the file does not get smaller.
func TestAllocateWhileWriting(t *testing.T) {
	profile, _ := objstore.ProfileByName("aws")
	f := newServed(t, mem.New(profile), cache.Config{}, Config{})
	raw := gofuse.NewNodeFS(f.root, &gofuse.Options{RootStableAttr: &gofuse.StableAttr{Ino: rootNumber}})
	page := make([]byte, 1<<20)
	for i := range 1000 {
		var out fuse.CreateOut
		in := fuse.CreateIn{InHeader: fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, Flags: syscall.O_WRONLY, Mode: 0o644}
		if status := raw.Create(nil, &in, "f", &out); !status.Ok() {
			t.Fatal(status)
		}
		header := fuse.InHeader{NodeId: out.NodeId}
		var both sync.WaitGroup
		written := make(chan struct{})
		both.Go(func() {
			defer close(written)
			if _, status := raw.Write(nil, &fuse.WriteIn{InHeader: header, Fh: out.Fh, Size: uint32(len(page))}, page); !status.Ok() {
				t.Errorf("write: %v", status)
			}
		})
		both.Go(func() {
			for size := uint64(1); ; size++ {
				if status := raw.Fallocate(nil, &fuse.FallocateIn{InHeader: header, Fh: out.Fh, Length: size}); !status.Ok() {
					t.Errorf("fallocate: %v", status)
				}
				select {
				case <-written:
					return
				default:
				}
			}
		})
		both.Wait()
		var attr fuse.AttrOut
		if status := raw.GetAttr(nil, &fuse.GetAttrIn{InHeader: header}, &attr); !status.Ok() || attr.Size != uint64(len(page)) {
			t.Fatalf("file %d: %v, %d bytes, want %d", i, status, attr.Size, len(page))
		}
		if status := raw.Unlink(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "f"); !status.Ok() {
			t.Fatal(status)
		}
		raw.Release(nil, &fuse.ReleaseIn{InHeader: header, Fh: out.Fh})
	}
}
