package uploader_test

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

func withMode(mode string) objstore.ObjectOptions {
	return objstore.ObjectOptions{Metadata: map[string]string{"mode": mode}}
}

func wantMode(t *testing.T, store *mem.Store, key, want string) {
	t.Helper()
	if _, info, _ := store.Object(key); info.Metadata["mode"] != want {
		t.Errorf("%q is stored with %v, want the mode %s", key, info.Metadata, want)
	}
}

// again is a file with the bytes that the store has already, which is not committed yet and
// has another mode.
func again(t *testing.T, u *uploader.Uploader, data []byte) *uploader.File {
	t.Helper()
	f := u.Open("f", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}, Options: withMode("644")})
	mustWrite(t, f, data, 0)
	stored := mustCommit(t, f)
	mustClose(t, f)
	f = u.Open("f", uploader.OpenOptions{Guard: objstore.Condition{ETag: stored.ETag}, Options: withMode("600")})
	mustWrite(t, f, data, 0)
	return f
}

// TestSameBytesAgain stores the bytes that are there already, and gets no answer: what was there
// before is not taken for what was sent, and what took effect is.
func TestSameBytesAgain(t *testing.T) {
	for name, p := range map[string]objstore.Profile{"etag": small(), "mark": opaque()} {
		for op, size := range map[string]int{objstore.OpPut: 100, objstore.OpComplete: 500_000} {
			for _, mode := range []fault.Mode{fault.Drop, fault.LoseAnswer} {
				t.Run(name+" "+op+" "+string(mode), func(t *testing.T) { sameBytesAgain(t, p, op, size, mode) })
			}
		}
	}
}

func sameBytesAgain(t *testing.T, p objstore.Profile, op string, size int, mode fault.Mode) {
	stored := mem.New(p)
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	f := again(t, u, noise(1, size))
	store.Add(fault.Rule{Op: op, Mode: mode})
	_, err := f.Commit(t.Context())
	if done := mode == fault.LoseAnswer; done != (err == nil) {
		t.Errorf("commit: %v", err)
	}
	_ = f.Close(t.Context())
	u.Close()
	nothingLeft(t, u, stored)
	wantMode(t, stored, "f", map[fault.Mode]string{fault.Drop: "644", fault.LoseAnswer: "600"}[mode])
}

// TestCompletedAndNotListed has a store that will not say whether an upload is there: the object is
// believed, as far as it tells.
func TestCompletedAndNotListed(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	f := again(t, u, noise(1, 500_000))
	store.Add(fault.Rule{Op: objstore.OpListParts, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	store.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer})
	mustCommit(t, f)
	mustClose(t, f)
	nothingLeft(t, u, stored)
	wantMode(t, stored, "f", "600")
}

// TestSamePartsCopiedAgain gives a large object other properties, for the second time: its parts are
// the same, and so is the ETag. The request that matters does not arrive.
func TestSamePartsCopiedAgain(t *testing.T) {
	stored := mem.New(small())
	store := fault.New(stored)
	u := newUploader(t, store, smallConfig(t))
	putObject(t, store, "f", noise(1, 1_000_000))
	change := func(mode string) error {
		t.Helper()
		src, err := store.Head(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		_, err = u.Copy(t.Context(), "f", src, objstore.CopyOptions{ObjectOptions: withMode(mode), Replace: true})
		return err
	}
	if err := change("644"); err != nil {
		t.Fatal(err)
	}
	store.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.Drop})
	if err := change("600"); err == nil {
		t.Error("it went well")
	}
	u.Close()
	nothingLeft(t, u, stored)
	wantMode(t, stored, "f", "644")
}
