package fs

import (
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestReplacedWhileLargeFileMoves does not delete what another client stored under the old
// name while the parts of the file were copied.
func TestReplacedWhileLargeFileMoves(t *testing.T) {
	store, text := largeFile(t)
	store.Profile().MaxCopy = 1 << 20
	gate := fault.NewGate()
	t.Cleanup(gate.Open)
	raw := asked(newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())}))
	mustLookup(t, raw, "f")
	store.Add(fault.Rule{Op: objstore.OpComplete, KeyContains: "g", Mode: fault.Delay, Gate: gate, Times: 1})
	ended := make(chan fuse.Status, 1)
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	rename := func() { ended <- raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "f", "g") }
	go rename()
	<-gate.Arrived()
	putText(t, store, "f", "another client's")
	gate.Open()
	if status := <-ended; status != fuse.Status(syscall.EBUSY) {
		t.Errorf("the rename: %v", status)
	}
	if got := textOf(t, store, "f"); got != "another client's" {
		t.Errorf("%d bytes have the old name", len(got))
	}
	if got := textOf(t, store, "g"); got != string(text) {
		t.Errorf("%d bytes have the new name", len(got))
	}
	mustLookup(t, raw, "f")
	mustLookup(t, raw, "g")
	rename()
	must(t, <-ended)
	if got := textOf(t, store, "g"); got != "another client's" {
		t.Errorf("%d bytes have the new name at last", len(got))
	}
}
