package fs

import (
	"context"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// waiter is a wait of a thread, and what sends it a signal.
func waiter(f *FileSystem, tid uint32) (w *wait, stop, signal func()) {
	ctx, interrupt := context.WithCancel(fuse.NewContext(context.Background(), &fuse.Caller{Pid: tid}))
	w, stop = f.waiting(ctx)
	return w, stop, interrupt
}

func waitingSystem(t *testing.T) *FileSystem {
	t.Helper()
	f := &FileSystem{procs: proc(t, map[string]string{"1/status": "SigPnd:\t0000000000000100\n", "2/status": "SigPnd:\t0000000000400000\n"})}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.watching.init(f, func() bool { return false })
	return f
}

// TestWaitOfTheKilled ends, and no other.
func TestWaitOfTheKilled(t *testing.T) {
	f := waitingSystem(t)
	killed, stopKilled, kill := waiter(f, 1)
	hurt, stopHurt, hit := waiter(f, 2) // by a signal that it has a handler for
	well, stopWell, _ := waiter(f, 1)   // whatever comes it is not told of
	derived, cancel := context.WithCancel(killed)
	defer cancel()
	called := make(chan struct{})
	context.AfterFunc(killed, func() { close(called) })
	notCalled := context.AfterFunc(hurt, func() { t.Error("called for nothing") })
	well.Done()
	kill()
	hit()
	<-killed.Done()
	<-derived.Done()
	<-called
	if killed.Err() == nil || derived.Err() == nil {
		t.Error("it has ended without an error")
	}
	if hurt.Err() != nil || well.Err() != nil {
		t.Error("others have ended")
	}
	if !notCalled() || notCalled() {
		t.Error("it is stopped once")
	}
	for _, stop := range []func(){stopKilled, stopHurt, stopWell} {
		stop()
	}
	f.cancel()
	f.background.Wait()
	if len(f.watching.waits) > 0 {
		t.Errorf("%d operations are looked after that have ended", len(f.watching.waits))
	}
}

// TestWaitsEndWithTheMount, also those that begin after its end.
func TestWaitsEndWithTheMount(t *testing.T) {
	f := waitingSystem(t)
	before, stop, _ := waiter(f, 2)
	defer stop()
	done := before.Done()
	f.cancel()
	<-done
	after, stop, _ := waiter(f, 2)
	defer stop()
	<-after.Done()
	f.background.Wait()
}
