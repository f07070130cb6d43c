package fs

import (
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestOpenTruncatesWhileWriting has a program empty a file by open while another writes to
// it. What the other one has written after that is stored when it closes: only a file that
// nobody has written to since waits for the last close.
func TestOpenTruncatesWhileWriting(t *testing.T) {
	profile, _ := objstore.ProfileByName("aws")
	store := mem.New(profile)
	raw := asked(newServed(t, store, cache.Config{}, Config{WriteThrough: true}))
	kept := 0
	for range 2000 {
		file, handle := mustCreate(t, raw, "f")
		var opened fuse.OpenOut
		var both sync.WaitGroup
		both.Go(func() {
			_, status := raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: handle}, []byte("written"))
			must(t, status)
		})
		both.Go(func() {
			must(t, raw.Open(nil, &fuse.OpenIn{InHeader: file, Flags: syscall.O_WRONLY | syscall.O_TRUNC}, &opened))
		})
		both.Wait()
		must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
		var attr fuse.AttrOut
		must(t, raw.GetAttr(nil, &fuse.GetAttrIn{InHeader: file}, &attr))
		if attr.Size > 0 {
			kept++
			if info, err := store.Head(t.Context(), "f"); err != nil || info.Size != int64(attr.Size) {
				t.Fatalf("after the close of who wrote %d bytes, the store has %d: %v", attr.Size, info.Size, err)
			}
		}
		for _, fh := range []uint64{handle, opened.Fh} {
			raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: fh})
		}
		must(t, raw.Unlink(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "f"))
	}
	t.Logf("%d files were written to after they were emptied", kept)
}
