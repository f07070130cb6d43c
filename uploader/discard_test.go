package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// script is something that is done to a file over an object of 350,000 bytes. It
// returns the file's key and content once the commit succeeded.
type script struct {
	name string
	run  func(f *uploader.File) (key string, want []byte, err error)
}

func scripts() []script {
	first := func(errs ...error) error {
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
	ctx := context.Background()
	commit := func(f *uploader.File) error {
		_, err := f.Commit(ctx)
		return err
	}
	return []script{
		{"patch", func(f *uploader.File) (string, []byte, error) {
			want := noise(1, 350_000)
			copy(want[200_000:], "patch")
			return "f", want, first(writeAt(f, []byte("patch"), 200_000), commit(f))
		}},
		{"replace", func(f *uploader.File) (string, []byte, error) {
			want := noise(2, 1000)
			return "f", want, first(f.Truncate(ctx, 0), writeAt(f, want, 0), commit(f))
		}},
		{"rename what was sent", func(f *uploader.File) (string, []byte, error) {
			want := noise(2, 350_000)
			err := first(f.Truncate(ctx, 0), writeAt(f, want, 0))
			if err == nil {
				err = f.Rename(ctx, "g", objstore.Condition{Absent: true})
			}
			return "g", want, first(err, commit(f))
		}},
		{"segments", func(f *uploader.File) (string, []byte, error) {
			want := noise(2, 2_200_000)
			err := first(writeAt(f, want, 0), writeAt(f, []byte("header"), 0))
			copy(want, "header")
			return "f", want, first(err, commit(f))
		}},
	}
}

// TestDiscardAnyTime gives a file up at every request that it makes, and ends the
// whole uploader there. The object is then the old one or the new one, whole.
func TestDiscardAnyTime(t *testing.T) {
	for _, s := range scripts() {
		for _, end := range []string{"discard", "close"} {
			t.Run(s.name+", "+end, func(t *testing.T) {
				n := 0
				for ; interrupt(t, s, end, n) && !t.Failed(); n++ {
				}
				if n < 2 {
					t.Errorf("only %d requests were made", n)
				}
				if t.Failed() {
					t.Logf("at request %d", n-1)
				}
			})
		}
	}
}

// interrupt runs a script and ends it at its nth request. It returns false if
// there was no such request.
func interrupt(t *testing.T, s script, end string, n int) bool {
	under := mem.New(small())
	old := noise(1, 350_000)
	base := putObject(t, under, "f", old)
	store := fault.New(under)
	gate := fault.NewGate()
	rule := store.Add(fault.Rule{After: n, Times: 1, Mode: fault.Delay, Gate: gate})
	u, err := uploader.New(t.Context(), store, smallConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	f := u.Open("f", uploader.OpenOptions{Base: &base, Guard: objstore.Condition{ETag: base.ETag}})
	type outcome struct {
		key  string
		want []byte
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		key, want, err := s.run(f)
		done <- outcome{key, want, err}
	}()
	var got outcome
	reached := false
	select {
	case <-gate.Arrived():
		reached = true
		closed := make(chan error, 1)
		if end == "discard" {
			f.Discard(uploader.ErrWriterKilled)
		} else {
			go func() { closed <- u.Close() }()
			for f.Err() == nil {
			}
		}
		gate.Open()
		got = <-done
		if end == "close" {
			if err := <-closed; err != nil {
				t.Errorf("close uploader: %v", err)
			}
		}
	case got = <-done:
		gate.Open() // what is tidied up behind the script may come there
	}
	checkInterrupted(t, under, old, got.key, got.want, got.err)
	if err := f.Close(t.Context()); end == "discard" && reached && !errors.Is(err, uploader.ErrWriterKilled) {
		t.Errorf("close: %v", err)
	}
	nothingLeft(t, u, under)
	for _, k := range under.Keys() {
		if strings.HasPrefix(k, ".") {
			t.Errorf("object %q left behind", k)
		}
	}
	if err := u.Close(); err != nil {
		t.Errorf("close uploader: %v", err)
	}
	return rule.Hits() > 0
}

func checkInterrupted(t *testing.T, store *mem.Store, old []byte, key string, want []byte, err error) {
	t.Helper()
	if err == nil {
		holds(t, store, key, want)
		if key == "f" {
			return
		}
	}
	got, _, ok := store.Object("f")
	if !ok || !bytes.Equal(got, old) && (key != "f" || !bytes.Equal(got, want)) {
		t.Errorf("after %v the object is there: %v, %s", err, ok, difference(got, old))
	}
	if got, _, ok := store.Object("g"); ok && !bytes.Equal(got, want) {
		t.Errorf("after %v half a file under its new name: %s", err, difference(got, want))
	}
}

// TestAbortFailureIsLogged has the store keep an upload that nobody wants: no
// caller waits for that, so the log has it.
func TestAbortFailureIsLogged(t *testing.T) {
	under := mem.New(tight())
	store := fault.New(under)
	store.Add(fault.Rule{Op: objstore.OpAbort, Mode: fault.Fail, Status: 403})
	log, hook := logtest.NewNullLogger()
	cfg := tightConfig(t, store.Profile())
	cfg.Log = logrus.NewEntry(log)
	u := newUploader(t, store, cfg)
	f := u.Open("f", uploader.OpenOptions{})
	mustWrite(t, f, noise(1, 4*cell), 0)
	if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
		t.Error(err)
	}
	mustClose(t, f)
	e := hook.LastEntry()
	if e == nil || e.Level != logrus.ErrorLevel || e.Data["key"] != "f" || e.Data["upload"] == "" {
		t.Errorf("logged: %v", e)
	}
	if s := u.Stats(); s.Memory != 0 || s.Aborts != 0 {
		t.Errorf("%+v", s)
	}
}
