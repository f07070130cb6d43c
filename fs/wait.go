package fs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// wait is the context of an operation that an application waits for.
//
// The kernel interrupts a request on any signal, also on those that the program
// handles and goes on from: timers, window sizes, the Go runtime's own. An
// interrupted close, write or stat of a regular file is something that hardly any
// program expects. So a wait goes on until its caller is being killed, or the
// mount ends. What may have to ask the store takes a *wait and not any context, so
// that none is forgotten.
//
// Whether to watch is decided when somebody asks for Done: most operations end
// without having to wait.
type wait struct {
	fsys   *FileSystem
	caller fuse.Caller
	signal <-chan struct{} // closed by the first interrupt

	mu      sync.Mutex
	done    chan struct{} // closed when the wait is over before its time; nil until somebody asks
	over    bool          // it is closed
	ended   bool          // stop was called
	waiting []*func()     // called when the wait is over
}

// waiting returns the context to wait with, and what to call when the operation
// is over.
func (f *FileSystem) waiting(ctx context.Context) (w *wait, stop func()) {
	w = &wait{fsys: f, signal: ctx.Done()}
	if c, ok := fuse.FromContext(ctx); ok {
		w.caller = *c
	}
	return w, w.stop
}

// stop says that the operation is over.
func (w *wait) stop() {
	w.mu.Lock()
	watched := w.done != nil && !w.ended
	w.ended = true
	w.mu.Unlock()
	if watched {
		w.fsys.watching.remove(w)
	}
}

// Deadline implements context.Context.
func (w *wait) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (w *wait) Value(key any) any { return w.fsys.ctx.Value(key) }

// Done implements context.Context.
func (w *wait) Done() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil {
		w.done = make(chan struct{})
		if !w.ended {
			w.fsys.watching.add(w) // under mu: stop must not come in between
		}
	}
	return w.done
}

// Err implements context.Context.
func (w *wait) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return context.Canceled
	}
	return nil
}

// AfterFunc is what package context looks for: without it, every context that is made
// of this one would start a goroutine that waits for Done.
func (w *wait) AfterFunc(fn func()) (stop func() bool) {
	w.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		w.fsys.background.Go(fn)
		return func() bool { return false }
	}
	id := &fn
	w.waiting = append(w.waiting, id)
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		i := slices.Index(w.waiting, id)
		if i >= 0 {
			w.waiting = slices.Delete(w.waiting, i, i+1)
		}
		return i >= 0
	}
}

// giveUp ends the wait before its time.
func (w *wait) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.ended {
		return
	}
	w.over = true
	close(w.done)
	for _, fn := range w.waiting {
		w.fsys.background.Go(*fn)
	}
	w.waiting = nil
}

// interrupted reports that there was a signal.
func (w *wait) interrupted() bool {
	select {
	case <-w.signal:
		return true
	default:
		return false
	}
}
