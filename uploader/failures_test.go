package uploader_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

func wantFailures(t *testing.T, u *uploader.Uploader, want ...string) {
	t.Helper()
	list, more := u.Failures()
	var got []string
	for _, f := range list {
		if f.Err == nil || f.Time.IsZero() {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || more != 0 {
		t.Errorf("failed are %q and %d more, want %q", got, more, want)
	}
}

// TestFailures has files fail in ways that lose content, and in others.
func TestFailures(t *testing.T) {
	under := mem.New(small())
	store := fault.New(under)
	u := newUploader(t, store, smallConfig(t))
	seed := uint64(0)
	open := func(key string, o uploader.OpenOptions) *uploader.File {
		f := u.Open(key, o)
		seed++
		mustWrite(t, f, noise(seed, 1000), 0)
		return f
	}
	end := func(f *uploader.File, want error) {
		t.Helper()
		if _, err := f.Commit(t.Context()); !errors.Is(err, want) {
			t.Errorf("commit: %v, want %v", err, want)
		}
		if err := f.Close(t.Context()); !errors.Is(err, want) {
			t.Errorf("close: %v, want %v", err, want)
		}
	}
	denied := store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Status: 403})
	for _, key := range []string{"again", "removed", "denied"} {
		end(open(key, uploader.OpenOptions{}), objstore.ErrAccessDenied)
	}
	gone := open("unlinked", uploader.OpenOptions{})
	gone.Unlink()
	gone.Discard(errors.New("nobody reads it"))
	_ = gone.Close(t.Context())
	wantFailures(t, u, "again", "removed", "denied")
	denied.Remove()

	end(open("again", uploader.OpenOptions{}), nil)
	u.Forget("removed")
	wantFailures(t, u, "denied")

	exists := objstore.Condition{Absent: true}
	end(open("again", uploader.OpenOptions{Guard: exists, Exclusive: true}), uploader.ErrExists)
	wantFailures(t, u, "denied")
	end(open("again", uploader.OpenOptions{Guard: exists}), uploader.ErrConflict)
	wantFailures(t, u, "denied", "again")

	killed := open("killed", uploader.OpenOptions{})
	killed.Discard(uploader.ErrWriterKilled)
	_ = killed.Close(t.Context())
	unchanged := u.Open("again", uploader.OpenOptions{Base: &objstore.Info{Key: "again", Size: 1000}})
	unchanged.Discard(errors.New("nothing was written"))
	_ = unchanged.Close(t.Context())
	_ = open("open", uploader.OpenOptions{})
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	wantFailures(t, u, "denied", "again", "open")
}

// TestFailuresAreBounded has more files fail than are remembered.
func TestFailuresAreBounded(t *testing.T) {
	u := newUploader(t, mem.New(small()), smallConfig(t))
	for i := range 1010 {
		f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
		f.Discard(errors.New("failed"))
		_ = f.Close(t.Context())
	}
	if list, more := u.Failures(); len(list) != 1000 || more != 10 || list[0].Key != "0" {
		t.Errorf("%d and %d more", len(list), more)
	}
}

// TestLacksAs has objects get other keys that lack something, or more than that.
func TestLacksAs(t *testing.T) {
	u := newUploader(t, mem.New(small()), smallConfig(t))
	u.Lacks("a", errors.New("attributes"))
	failed := u.Open("b", uploader.OpenOptions{})
	failed.Discard(errors.New("content"))
	_ = failed.Close(t.Context())
	u.LacksAs("a", "c")
	u.LacksAs("b", "d")
	u.LacksAs("nothing", "e")
	wantFailures(t, u, "c", "b")
	u.LacksAs("c", "b")
	wantFailures(t, u, "b")
	u.Lacks("b", nil)
	wantFailures(t, u, "b")
}
