package uploader_test

import (
	"errors"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestLeftovers has the store refuse to abort an upload, and to delete a hidden object, when their file
// fails: both go later, or at the end.
func TestLeftovers(t *testing.T) {
	for _, atTheEnd := range []bool{false, true} {
		stored := mem.New(small())
		store := fault.New(stored)
		u := newUploader(t, store, smallConfig(t))
		putObject(t, store, ".sluicefs/stage/open-x", []byte("hidden"))
		f := sendParts(t, u, "f", noise(1, 200_000))
		rule := store.Add(fault.Rule{Op: objstore.OpAbort, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
		failure := errors.New("of the test")
		f.Discard(failure)
		if err := f.Close(t.Context()); !errors.Is(err, failure) {
			t.Error(err)
		}
		u.DeleteLater(".sluicefs/stage/open-x")
		u.TidyLeftovers()
		if n := stored.Uploads(); n != 1 {
			t.Fatalf("%d uploads are there", n)
		}
		rule.Remove()
		if atTheEnd {
			if err := u.Close(); err != nil {
				t.Error(err)
			}
		} else {
			u.TidyLeftovers() // a minute later
		}
		if n, keys := stored.Uploads(), stored.Keys(); n != 0 || len(keys) != 0 {
			t.Errorf("%d uploads and %q are left", n, keys)
		}
	}
}

// TestOneLeftoverDoesNotKeepOthers has the store refuse to abort uploads for good.
func TestOneLeftoverDoesNotKeepOthers(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	putObject(t, store, ".sluicefs/stage/open-x", []byte("hidden"))
	f := sendParts(t, u, "f", noise(1, 200_000))
	store.Add(fault.Rule{Op: objstore.OpAbort, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	f.Discard(errors.New("of the test"))
	_ = f.Close(t.Context()) // with that
	u.DeleteLater(".sluicefs/stage/open-x")
	u.TidyLeftovers()
	if keys := stored.Keys(); len(keys) != 0 || stored.Uploads() != 1 {
		t.Errorf("%d uploads and %q are left", stored.Uploads(), keys)
	}
}
