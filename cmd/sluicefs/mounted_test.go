package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
)

// fakeMount plays the file system and the uploader, and notes what is asked.
type fakeMount struct {
	busy     bool          // Unmount fails
	covered  error         // by another mount
	syncErr  error         // of Sync
	draining chan struct{} // closed when Drain begins
	closed   chan struct{} // Drain ends when it is closed: the last file was

	gone chan struct{} // closed when it is unmounted

	mu    sync.Mutex
	calls []string
}

func newFakeMount() *fakeMount {
	f := &fakeMount{draining: make(chan struct{}), closed: make(chan struct{}), gone: make(chan struct{})}
	return f
}

func (f *fakeMount) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeMount) Wait() { <-f.gone }

func (f *fakeMount) Sync(context.Context) error {
	f.note("sync")
	return f.syncErr
}

func (f *fakeMount) Unmount() error {
	f.note("unmount")
	if f.busy {
		return errors.New("busy")
	}
	close(f.gone)
	return nil
}

func (f *fakeMount) detach() error {
	f.note("detach")
	return nil
}

func (f *fakeMount) Drain(ctx context.Context) error {
	f.note("drain")
	close(f.draining)
	select {
	case <-f.closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeMount) Close() error {
	f.note("close")
	return nil
}

// begin returns a mount that is played by f, and its record.
func (f *fakeMount) begin(t *testing.T, missing ...unstored) *mounted {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	info := mountInfo{Mountpoint: "/mnt/data", Source: "s3://bucket"}
	r, err := makeRecord(t.TempDir(), info)
	if err != nil {
		t.Fatal(err)
	}
	return &mounted{
		tree: f, writes: f, detach: f.detach, covered: func() error { return f.covered }, unstored: func() ([]unstored, int) { return missing, 0 },
		record: r, info: info, log: logrus.NewEntry(log),
	}
}

// stops makes a stopper without signals: ask and force stand for the first and
// the second.
func stops(t *testing.T) (s *stopper, ask, force func()) {
	forced, force := context.WithCancel(t.Context())
	asked, ask := context.WithCancel(forced)
	t.Cleanup(force)
	return &stopper{asked: asked, forced: forced}, ask, force
}

func TestEndOfMount(t *testing.T) {
	missing := unstored{Key: "a/b", Error: "access denied"}
	for _, c := range []struct {
		name   string
		play   func(f *fakeMount, ask, force func())
		busy   bool
		cover  error
		sync   error
		files  []unstored
		calls  []string
		stored bool
	}{
		{name: "unmounted by somebody", stored: true,
			play:  func(f *fakeMount, _, _ func()) { close(f.gone); close(f.closed) },
			calls: []string{"drain", "sync", "close"}},
		{name: "asked to end", stored: true,
			play:  func(f *fakeMount, ask, _ func()) { ask(); <-f.draining; close(f.closed) },
			calls: []string{"drain", "sync", "unmount", "close"}},
		{name: "asked to end while somebody reads", stored: true, busy: true,
			play:  func(f *fakeMount, ask, _ func()) { ask(); <-f.draining; close(f.closed) },
			calls: []string{"drain", "sync", "unmount", "detach", "close"}},
		{name: "asked to end while another mount lies above", stored: true, cover: errors.New("tmpfs"),
			play:  func(f *fakeMount, ask, _ func()) { ask(); <-f.draining; close(f.closed) },
			calls: []string{"drain", "sync", "close"}},
		{name: "asked twice",
			play:  func(f *fakeMount, ask, force func()) { ask(); <-f.draining; force() },
			calls: []string{"drain", "detach", "close"}},
		{name: "metadata that cannot be stored", sync: errors.New("denied"),
			play:  func(f *fakeMount, ask, _ func()) { ask(); close(f.closed) },
			calls: []string{"drain", "sync", "detach", "close"}},
		{name: "a file that failed", files: []unstored{missing},
			play:  func(f *fakeMount, _, _ func()) { close(f.gone); close(f.closed) },
			calls: []string{"drain", "sync", "close"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeMount()
			f.busy, f.covered, f.syncErr = c.busy, c.cover, c.sync
			m := f.begin(t, c.files...)
			stop, ask, force := stops(t)
			var player sync.WaitGroup
			player.Go(func() { c.play(f, ask, force) })
			v := m.end(stop)
			player.Wait()
			if !slices.Equal(f.calls, c.calls) {
				t.Errorf("asked for %q, want %q", f.calls, c.calls)
			}
			if v.Stored != c.stored || len(v.Files) != len(c.files) || (v.err() == nil) != c.stored {
				t.Errorf("the verdict is %+v", v)
			}
			if got, ok, err := m.record.verdict(); err != nil || !ok || got.Stored != v.Stored {
				t.Errorf("the record says %+v, %v, %v", got, ok, err)
			}
			if m.record.alive() {
				t.Error("who waits for the daemon is not let go")
			}
			select {
			case <-f.gone:
			default:
				close(f.gone) // lets the goroutine of a lazy unmount end
			}
		})
	}
}

func TestVerdictError(t *testing.T) {
	two := []unstored{{Key: "a", Error: "denied"}, {Key: "b", Error: "gone"}}
	for _, c := range []struct {
		v    verdict
		want string
	}{
		{verdict{Mountpoint: "/mnt", Files: two[:1]}, `/mnt is unmounted, but "a" is not stored: denied`},
		{verdict{Mountpoint: "/mnt", Files: two}, "/mnt is unmounted, but 2 files are not stored"},
		{verdict{Mountpoint: "/mnt", Files: two, More: 5}, "/mnt is unmounted, but 7 files are not stored"},
		{verdict{Mountpoint: "/mnt", More: 1}, "/mnt is unmounted, but a file is not stored"},
		{verdict{Mountpoint: "/mnt", Reason: "it was given up"}, "/mnt is unmounted, but it was given up"},
	} {
		if err := c.v.err(); statusOf(err) != exitNotStored || err.Error() != c.want {
			t.Errorf("%v (%d), want %q", err, statusOf(err), c.want)
		}
	}
}
