package fs

import (
	"sync"
	"testing"

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
	raw := asked(f)
	page := make([]byte, 1<<20)
	for i := range 1000 {
		header, handle := mustCreate(t, raw, "f")
		var both sync.WaitGroup
		written := make(chan struct{})
		both.Go(func() {
			defer close(written)
			if _, status := raw.Write(nil, &fuse.WriteIn{InHeader: header, Fh: handle, Size: uint32(len(page))}, page); !status.Ok() {
				t.Errorf("write: %v", status)
			}
		})
		both.Go(func() {
			for size := uint64(1); ; size++ {
				if status := raw.Fallocate(nil, &fuse.FallocateIn{InHeader: header, Fh: handle, Length: size}); !status.Ok() {
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
		raw.Release(nil, &fuse.ReleaseIn{InHeader: header, Fh: handle})
	}
}
