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

// TestRenameTakenBackWhileWritten renames a stored file whose writer goes on, and cannot delete the
// object under the old name: the file keeps that name, and what was sent under the new one meanwhile is
// stored where it belongs.
func TestRenameTakenBackWhileWritten(t *testing.T) {
	for name, config := range map[string]Config{
		"same properties":  {},
		"other properties": {Metadata: MetadataNone, Options: byName},
	} {
		t.Run(name, func(t *testing.T) { renameTakenBackWhileWritten(t, config) })
	}
}

func renameTakenBackWhileWritten(t *testing.T, config Config) {
	under, text := largeFile(t)
	under.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "f", Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Times: 1})
	store, gate := fault.New(under), fault.NewGate()
	defer gate.Open()
	config.Uploader = newUploader(t, store, littleMemory())
	raw := asked(newServed(t, store, cache.Config{ListOnly: config.Metadata == MetadataNone}, config))
	var entry fuse.EntryOut
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	must(t, raw.Lookup(nil, &root, "f", &entry))
	file := fuse.InHeader{NodeId: entry.NodeId}
	var written fuse.OpenOut
	must(t, raw.Open(nil, &fuse.OpenIn{InHeader: file, Flags: syscall.O_RDWR}, &written))
	store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "f", Mode: fault.Delay, Gate: gate, Times: 1})
	var renaming sync.WaitGroup
	renaming.Go(func() {
		if status := raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "f", "g"); status != fuse.EACCES {
			t.Errorf("rename: %v", status)
		}
	})
	<-gate.Arrived()
	changed := bytes.Clone(text)
	for i := range changed[:len(text)/2] { // more than there is memory for: parts are sent
		changed[i] ^= 1
	}
	_, status := raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: written.Fh}, changed[:len(text)/2])
	must(t, status)
	if store.Calls(objstore.OpUploadPart) == 0 {
		t.Error("no part was sent while the name changed")
	}
	gate.Open()
	renaming.Wait()
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: written.Fh}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: written.Fh})
	for key, want := range map[string][]byte{"f": changed, "g": text} { // g is the copy that was made for it
		body, info, err := store.Get(t.Context(), key, objstore.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := got.ReadFrom(body); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%q: %v, as it should be: %v", key, err, bytes.Equal(got.Bytes(), want))
		}
		body.Close()
		if config.Options != nil && key == "g" && info.CacheControl != "max-age=g" || key == "f" && info.CacheControl == "max-age=g" {
			t.Errorf("%q has the properties %q of another name", key, info.CacheControl)
		}
	}
}
