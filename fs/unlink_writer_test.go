package fs

import (
	"bytes"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestUnlinkWhileWritten deletes a stored file whose writer goes on while the DELETE is under way, and
// reads back what he wrote.
func TestUnlinkWhileWritten(t *testing.T) {
	store, text := largeFile(t)
	gate := fault.NewGate()
	defer gate.Open()
	raw := asked(newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())}))
	var entry fuse.EntryOut
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	must(t, raw.Lookup(nil, &root, "f", &entry))
	file := fuse.InHeader{NodeId: entry.NodeId}
	var written fuse.OpenOut
	must(t, raw.Open(nil, &fuse.OpenIn{InHeader: file, Flags: syscall.O_RDWR}, &written))
	store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "f", Mode: fault.Delay, Gate: gate, Times: 1})
	var removing sync.WaitGroup
	removing.Go(func() { must(t, raw.Unlink(nil, &root, "f")) })
	<-gate.Arrived()
	for _, half := range []int{0, len(text) / 2} {
		_, status := raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: written.Fh, Offset: uint64(half)}, text[half+1:][:len(text)/2-1])
		must(t, status)
	}
	gate.Open()
	removing.Wait()
	buf := make([]byte, 4096)
	const at = 40 << 12
	result, status := raw.Read(nil, &fuse.ReadIn{InHeader: file, Fh: written.Fh, Offset: at, Size: uint32(len(buf))}, buf)
	must(t, status)
	if status.Ok() {
		if got, _ := result.Bytes(buf); !bytes.Equal(got, text[at+1:][:len(buf)]) {
			t.Error("what is read is not what was written")
		}
		result.Done()
	}
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: written.Fh})
}
