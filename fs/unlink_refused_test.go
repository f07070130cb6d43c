package fs

import (
	"context"
	"runtime"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestUnlinkRefusedWhileReadBack has the store refuse to delete a file, while somebody waits to read
// back what was sent of it: the one waits for the other in vain if the other waits for him.
func TestUnlinkRefusedWhileReadBack(t *testing.T) {
	under, text := largeFile(t)
	under.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "f", Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Times: 1})
	store, gate := fault.New(under), fault.NewGate()
	defer gate.Open()
	f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
	raw := asked(f)
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_RDWR)
	half := text[1:][:len(text)/2]
	mustWrite(t, raw, file, handle, half)
	store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "f", Mode: fault.Delay, Gate: gate, Times: 1})
	unlinked, read := make(chan fuse.Status, 1), make(chan fuse.Status, 1)
	go func() { unlinked <- raw.Unlink(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "f") }()
	<-gate.Arrived()
	const at = 40 << 12
	go func() {
		buf := make([]byte, 4096)
		result, status := raw.Read(nil, &fuse.ReadIn{InHeader: file, Fh: handle, Offset: at, Size: uint32(len(buf))}, buf)
		if status.Ok() {
			if got, _ := result.Bytes(buf); string(got) != string(half[at:][:len(buf)]) {
				t.Error("what is read is not what was written")
			}
			result.Done()
		}
		read <- status
	}()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for f.root.child("f").(*fileNode).writing.file.Settle(ended) == nil {
		runtime.Gosched() // until who reads has the file to himself
	}
	gate.Open()
	if status := <-unlinked; status != fuse.EACCES {
		t.Errorf("unlink: %v", status)
	}
	must(t, <-read)
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	if got := textOf(t, store, "f"); got[:len(half)] != string(half) || got[len(half):] != string(text[len(half):]) {
		t.Error("what is stored is not what was written")
	}
}
