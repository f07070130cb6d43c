package cache

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed says that the cache, or the reader that was asked, is closed.
var ErrClosed = errors.New("cache is closed")

// lifetime counts what runs on behalf of the cache: callers inside it and
// requests to the store. A request lives as long as the cache and not as long
// as the caller who happened to be the first to want it.
type lifetime struct {
	running sync.WaitGroup
	over    chan struct{} // closed at the end

	mu       sync.Mutex
	closed   bool
	requests map[*context.CancelFunc]struct{}
}

func newLifetime() *lifetime {
	return &lifetime{over: make(chan struct{}), requests: map[*context.CancelFunc]struct{}{}}
}

// enter counts a caller or a goroutine, which calls leave at its end.
func (l *lifetime) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.running.Add(1)
	return nil
}

func (l *lifetime) leave() { l.running.Done() }

// request makes the context of a request for many: it carries the values of ctx,
// but ends with cancel or with the cache. cancel must be called at the end.
func (l *lifetime) request(ctx context.Context) (work context.Context, cancel context.CancelFunc) {
	return l.bind(context.WithoutCancel(ctx))
}

// bind makes a context that ends with ctx, with cancel, which must be called at
// the end, or with the cache.
func (l *lifetime) bind(ctx context.Context) (work context.Context, cancel context.CancelFunc) {
	work, stop := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		stop()
		return work, stop
	}
	id := &stop
	l.requests[id] = struct{}{}
	return work, func() {
		stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.requests, id)
	}
}

// close lets nobody in any more, ends all requests and waits until everything
// that ran is gone. It reports whether this call was the one that closed.
func (l *lifetime) close() bool {
	if !l.shut() {
		return false
	}
	l.running.Wait()
	return true
}

func (l *lifetime) shut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	close(l.over)
	for stop := range l.requests {
		(*stop)()
	}
	return true
}
