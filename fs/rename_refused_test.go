package fs

import (
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestRenameOfAFailedFile is refused before it has replaced anything.
func TestRenameOfAFailedFile(t *testing.T) {
	store, text := largeFile(t)
	putText(t, store, "g", "precious")
	raw := asked(newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())}))
	mustLookup(t, raw, "g")
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_WRONLY)
	mustWrite(t, raw, file, handle, text[1:4097])
	store.Add(fault.Rule{Op: objstore.OpCreateMultipart, Mode: fault.Fail, Kind: objstore.ErrNoSpace, Times: 1})
	if status := raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}); status.Ok() {
		t.Fatal("it is stored")
	}
	renameIsRefused(t, store, raw)
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
}

// TestRenameOfWhatWasSent is refused, where a store cannot copy parts, before it has replaced anything.
func TestRenameOfWhatWasSent(t *testing.T) {
	store, text := largeFile(t)
	store.Profile().PartCopy = false
	putText(t, store, "g", "precious")
	raw := asked(newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())}))
	mustLookup(t, raw, "g")
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_WRONLY|syscall.O_TRUNC)
	half := text[:len(text)/2]
	mustWrite(t, raw, file, handle, half) // more than there is memory for
	renameIsRefused(t, store, raw)
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	if got := textOf(t, store, "f"); got != string(half) {
		t.Errorf("%d bytes are stored", len(got))
	}
}

func renameIsRefused(t *testing.T, store objstore.Store, raw fuse.RawFileSystem) {
	t.Helper()
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	for _, name := range []string{"g", "h"} {
		if status := raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "f", name); status.Ok() {
			t.Errorf("it is renamed to %q", name)
		}
	}
	if got := textOf(t, store, "g"); got != "precious" {
		t.Errorf("what had the new name has %d other bytes", len(got))
	}
	if _, err := store.Head(t.Context(), "h"); err == nil {
		t.Error("something has the new name")
	}
}
