package fs

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestUnlinkOfAnOpenFileWithoutAnswer deletes a file that somebody has open, and hears nothing of it. It
// is deleted if its object is, and who has it open goes on with its content, wherever that is by then.
func TestUnlinkOfAnOpenFileWithoutAnswer(t *testing.T) {
	for mode, want := range map[fault.Mode]fuse.Status{fault.LoseAnswer: fuse.OK, fault.Drop: fuse.EIO} {
		for name, flags := range map[string]uint32{"reader": syscall.O_RDONLY, "writer": syscall.O_RDWR} {
			t.Run(string(mode)+" "+name, func(t *testing.T) { unlinkWithoutAnswer(t, mode, want, flags) })
		}
	}
}

func unlinkWithoutAnswer(t *testing.T, mode fault.Mode, want fuse.Status, flags uint32) {
	store, text := largeFile(t)
	f := newServed(t, store, cache.Config{}, Config{})
	raw := asked(f)
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, flags)
	store.Add(fault.Rule{Op: objstore.OpDelete, Mode: mode, Times: 1})
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	if status := raw.Unlink(nil, &root, "f"); status != want {
		t.Errorf("unlink: %v, want %v", status, want)
	}
	if status := raw.Lookup(nil, &root, "f", &fuse.EntryOut{}); status.Ok() == want.Ok() {
		t.Errorf("lookup: %v", status)
	}
	buf := make([]byte, 4096)
	result, status := raw.Read(nil, &fuse.ReadIn{InHeader: file, Fh: handle, Offset: 1 << 20, Size: uint32(len(buf))}, buf)
	must(t, status)
	if status.Ok() {
		if got, _ := result.Bytes(buf); !bytes.Equal(got, text[1<<20:][:len(buf)]) {
			t.Error("what is read is not what the file has")
		}
		result.Done()
	}
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	f.background.Wait()
	page, err := store.List(t.Context(), objstore.ListOptions{Prefix: DefaultHiddenPrefix})
	if err != nil || len(page.Objects) > 0 {
		t.Errorf("%v, left behind: %v", err, page.Objects)
	}
}
