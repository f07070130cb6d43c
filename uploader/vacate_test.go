package uploader_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// opaque is a store whose copies have ETags of their own.
func opaque() objstore.Profile {
	p := small()
	p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
	return p
}

// sendParts writes a file, and returns when its parts are sent.
func sendParts(t *testing.T, u *uploader.Uploader, key string, data []byte) *uploader.File {
	t.Helper()
	f := u.Open(key, uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
	mustWrite(t, f, data, 0)
	if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
		t.Fatal(err)
	}
	return f
}

// TestANamelessFileLeavesItsNameAlone has a file lose its name, when parts were sent under it, to
// one that is then stored: what was sent is read back, and nobody sees it under that name.
func TestANamelessFileLeavesItsNameAlone(t *testing.T) {
	for _, p := range []objstore.Profile{small(), opaque()} {
		store := fault.New(mem.New(p))
		u := newUploader(t, store, smallConfig(t))
		data, other := noise(1, 200_000), noise(2, 100_000)
		f := sendParts(t, u, "f", data)
		f.Unlink()
		g := u.Open("f", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
		mustWrite(t, g, other, 0)
		stored, err := g.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copies := store.Calls(objstore.OpCopy)
		if err := f.Vacate(t.Context()); err != nil { // as if it were to be read back
			t.Error(err)
		}
		got := make([]byte, len(data))
		if _, err := f.ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, data) {
			t.Errorf("the file without a name: %v, as it was: %v", err, bytes.Equal(got, data))
		}
		if n := store.Calls(objstore.OpCopy); n != copies {
			t.Errorf("%d copies under a name that is another file's", n-copies)
		}
		if info, err := store.Head(t.Context(), "f"); err != nil || info.ETag != stored.ETag {
			t.Errorf("the other one: %v, with the ETag that it was stored with: %v", err, info.ETag == stored.ETag)
		}
		mustWrite(t, g, noise(3, 10), 5)
		if _, err := g.Commit(t.Context()); err != nil {
			t.Error(err)
		}
		mustClose(t, f)
		mustClose(t, g)
	}
}

// TestANamelessFileDoesNotReplaceWhatOthersStored has another client store an object under the
// name that a file lost: reading back what was sent under it fails, and nothing happens to that.
func TestANamelessFileDoesNotReplaceWhatOthersStored(t *testing.T) {
	store := fault.New(mem.New(small()))
	u := newUploader(t, store, smallConfig(t))
	f := sendParts(t, u, "f", noise(1, 200_000))
	f.Unlink()
	info := putObject(t, store, "f", noise(2, 1000))
	copies := store.Calls(objstore.OpCopy)
	if err := f.Vacate(t.Context()); err != nil || !errors.Is(f.Err(), uploader.ErrConflict) {
		t.Errorf("%v, reading back: %v", err, f.Err())
	}
	if seen, err := store.Head(t.Context(), "f"); err != nil || seen.ETag != info.ETag || store.Calls(objstore.OpCopy) != copies {
		t.Errorf("%v, %d copies", err, store.Calls(objstore.OpCopy)-copies)
	}
	_ = f.Close(t.Context()) // with its failure
}

// TestVacate stages what was sent under a name, once, and nothing else.
func TestVacate(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	data := noise(1, 200_000)
	f, small := sendParts(t, u, "f", data), sendParts(t, u, "g", noise(2, 10))
	for range 2 {
		for _, file := range []*uploader.File{f, small} {
			if err := file.Vacate(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	if n := store.Calls(objstore.OpComplete); n != 1 {
		t.Errorf("%d uploads were completed", n)
	}
	mustWrite(t, small, noise(3, 200_000), 10)
	if err := small.Truncate(t.Context(), small.Size()); err != nil { // waits for the parts
		t.Error(err)
	}
	page, err := store.ListUploads(t.Context(), objstore.ListUploadsOptions{Prefix: "g"})
	if err != nil || len(page.Uploads) != 0 || store.Calls(objstore.OpUploadPart) == 0 {
		t.Errorf("%v: %v is sent under a name that is about to go", err, page.Uploads)
	}
	if _, err := f.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _, ok := stored.Object("f"); !ok || !bytes.Equal(got, data) {
		t.Errorf("%d bytes are stored", len(got))
	}
	mustClose(t, f)
	mustClose(t, small)
}
