package fs

import (
	"context"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// wait is the context of an operation that an application waits for.
//
// The kernel interrupts a request on any signal, also on those that the program
// handles and goes on from: timers, window sizes, the Go runtime's own. An
// interrupted close or write of a regular file is something that hardly any
// program expects. So a wait goes on until its caller is being killed, or the
// mount ends.
//
// Whether to watch is decided when somebody asks for Done: most operations end
// without having to wait.
type wait struct {
	fsys   *FileSystem
	caller fuse.Caller
	signal <-chan struct{} // closed by the first interrupt

	watch sync.Once
	end   sync.Once
	done  chan struct{} // closed when the wait is over before its time
	ended chan struct{} // closed by stop
}

// waiting returns the context to wait with, and what to call when the operation
// is over.
func (f *FileSystem) waiting(ctx context.Context) (w *wait, stop func()) {
	w = &wait{fsys: f, signal: ctx.Done(), done: make(chan struct{}), ended: make(chan struct{})}
	if c, ok := fuse.FromContext(ctx); ok {
		w.caller = *c
	}
	return w, func() { w.end.Do(func() { close(w.ended) }) }
}

// Deadline implements context.Context.
func (w *wait) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (w *wait) Value(key any) any { return w.fsys.ctx.Value(key) }

// Done implements context.Context.
func (w *wait) Done() <-chan struct{} {
	w.watch.Do(func() { w.fsys.background.Go(w.run) })
	return w.done
}

// Err implements context.Context.
func (w *wait) Err() error {
	select {
	case <-w.done:
		return context.Canceled
	default:
		return nil
	}
}

// dyingPoll is how often a caller is looked at that got a signal. The kernel
// tells of the first one only.
const dyingPoll = 100 * time.Millisecond

// run watches for the end; it lives no longer than the operation.
func (w *wait) run() {
	select {
	case <-w.ended:
		return
	case <-w.fsys.ctx.Done():
		close(w.done)
		return
	case <-w.signal:
	}
	tick := time.NewTicker(dyingPoll)
	defer tick.Stop()
	for !w.fsys.procs.dying(w.caller.Pid) {
		select {
		case <-w.ended:
			return
		case <-w.fsys.ctx.Done():
			close(w.done)
			return
		case <-tick.C:
		}
	}
	close(w.done)
}
