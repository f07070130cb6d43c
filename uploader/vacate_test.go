package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

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

// overF begins a file over an object "f", of which parts are sent under that name.
func overF(t *testing.T, u *uploader.Uploader, store objstore.Store, data []byte) *uploader.File {
	t.Helper()
	info := putObject(t, store, "f", noise(1, 1000))
	f := u.Open("f", uploader.OpenOptions{Base: &info, Guard: objstore.Condition{ETag: info.ETag}})
	mustWrite(t, f, data, 0)
	if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
		t.Fatal(err)
	}
	return f
}

// TestLeaveWaitsForADetour that is about to give the name back what it had: who deletes that then
// would see it come back.
func TestLeaveWaitsForADetour(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	f := overF(t, u, store, noise(2, 200_000))
	gate := fault.NewGate()
	store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: gate, After: 2, Times: 1}) // the one back
	var detour sync.WaitGroup
	detour.Go(func() { _ = f.Vacate(t.Context()) })
	<-gate.Arrived()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Leave(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the name can be deleted while it shows what was sent: %v", err)
	}
	gate.Open()
	if err := f.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, ok := stored.Object("f"); !ok {
		t.Error("the name does not have what it had")
	}
	f.Stay()
	detour.Wait()
	mustClose(t, f)
}

// TestNoDetourOfANameThatIsDeleted has one wait until the name is gone.
func TestNoDetourOfANameThatIsDeleted(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	data := noise(2, 200_000)
	f := overF(t, u, store, data)
	if err := f.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	gate := fault.NewGate()
	store.Add(fault.Rule{Op: objstore.OpHead, KeyContains: "f", Mode: fault.Delay, Gate: gate, Times: 1}) // the first step
	var detour sync.WaitGroup
	detour.Go(func() { _ = f.Vacate(t.Context()) })
	waits := time.After(50 * time.Millisecond)
	select {
	case <-gate.Arrived():
		t.Error("a detour has begun")
	case <-waits:
	}
	gate.Open()
	if err := store.Delete(t.Context(), "f"); err != nil {
		t.Error(err)
	}
	f.Unlink()
	detour.Wait()
	got := make([]byte, len(data))
	if _, err := f.ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%v, as it was: %v", err, bytes.Equal(got, data))
	}
	if _, _, ok := stored.Object("f"); ok {
		t.Error("what was deleted is there again")
	}
	mustClose(t, f)
}

// TestTwoWithOneNameTakeTurns has a file without a name and the one that has it now both
// read back what they sent, while the first or the second is about to.
func TestTwoWithOneNameTakeTurns(t *testing.T) {
	for _, p := range []objstore.Profile{small(), opaque()} {
		for namedFirst := range 2 {
			stored := mem.New(p)
			store := fault.New(stored)
			u := newUploader(t, store, smallConfig(t))
			data, other := noise(1, 200_000), noise(2, 300_000)
			nameless := sendParts(t, u, "f", data)
			nameless.Unlink()
			named := sendParts(t, u, "f", other)
			files := []*uploader.File{nameless, named}
			gate := fault.NewGate()
			store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: gate, Times: 1})
			var both sync.WaitGroup
			for i := range files {
				both.Go(func() {
					if err := files[(i+namedFirst)%2].Vacate(t.Context()); err != nil {
						t.Error(err)
					}
				})
				if i == 0 {
					<-gate.Arrived()
				}
			}
			gate.Open()
			both.Wait()
			for i, want := range [][]byte{data, other} {
				got := make([]byte, len(want))
				if _, err := files[i].ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, want) {
					t.Errorf("file %d of two: %v, as it was: %v", i, err, bytes.Equal(got, want))
				}
			}
			if _, _, ok := stored.Object("f"); ok {
				t.Error("something is left under the name")
			}
			if _, err := named.Commit(t.Context()); err != nil {
				t.Error(err)
			}
			holds(t, stored, "f", other)
			mustClose(t, nameless)
			mustClose(t, named)
		}
	}
}

// TestADetourThatFailsIsWaitedFor has a file without a name fail while the name shows what it
// sent, or is about to lose that: who is stored under the name by then stays.
func TestADetourThatFailsIsWaitedFor(t *testing.T) {
	for _, during := range []string{objstore.OpCopy, objstore.OpDelete} {
		stored := mem.New(small())
		store := fault.New(stored)
		u := newUploader(t, store, smallConfig(t))
		other := noise(2, 100_000)
		f := sendParts(t, u, "f", noise(1, 200_000))
		f.Unlink()
		g := u.Open("f", uploader.OpenOptions{}) // unguarded: it would overwrite, and be deleted then
		mustWrite(t, g, other, 0)
		gate := fault.NewGate()
		store.Add(fault.Rule{Op: during, KeyContains: "f", Mode: fault.Delay, Gate: gate, Times: 1})
		var detour sync.WaitGroup
		detour.Go(func() { _ = f.Vacate(t.Context()) })
		<-gate.Arrived()
		f.Discard(context.Canceled)
		waited, cut := context.WithCancel(t.Context())
		cut()
		if err := u.Vacate(waited, "f"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the name is free, %v", during, err)
		}
		committed := make(chan error)
		go func() {
			_, err := g.Commit(t.Context())
			committed <- err
		}()
		gate.Open()
		detour.Wait()
		if err := <-committed; err != nil {
			t.Errorf("%s: %v", during, err)
		}
		holds(t, stored, "f", other)
		_ = f.Close(t.Context()) // with its failure
		mustClose(t, g)
	}
}

// TestRenameStagesWhatWasSentUnderAnyName follows a rename that was taken back by its caller.
func TestRenameStagesWhatWasSentUnderAnyName(t *testing.T) {
	stored := mem.New(small())
	u := newUploader(t, stored, smallConfig(t))
	info := putObject(t, stored, "a", noise(9, 1000))
	f := u.Open("a", uploader.OpenOptions{Base: &info, Guard: objstore.Condition{ETag: info.ETag}})
	if err := f.Rename(t.Context(), "b", objstore.Condition{Absent: true}); err != nil {
		t.Fatal(err)
	}
	data := noise(1, 200_000)
	mustWrite(t, f, data, 0)
	if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
		t.Fatal(err)
	}
	f.Rebase(info)
	if err := f.Rename(t.Context(), "c", objstore.Condition{Absent: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	holds(t, stored, "c", data)
	if _, _, ok := stored.Object("b"); ok {
		t.Error("it is under a name that it does not have")
	}
	mustClose(t, f)
}
