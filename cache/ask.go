package cache

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
)

// asker sends the requests about names: the same one only once at a time.
//
// The context of a caller ends its wait and not the request: a Go program that
// reads through the mount is interrupted every few milliseconds by its own
// scheduler, comes back at once, and must then find the request still running.
// What is so left running is bounded by slots: each caller holds one until the
// request that it waited for has ended, even if it has gone before.
type asker struct {
	life    *lifetime
	slots   *semaphore.Weighted
	workers *workers

	mu      sync.Mutex
	flights map[string]*flight
}

// flight is a request on its way. Its answer counts once done is closed.
type flight struct {
	done   chan struct{}
	answer any
	err    error
}

func newAsker(life *lifetime, workers *workers, waiters int) *asker {
	return &asker{
		life: life, slots: semaphore.NewWeighted(int64(waiters)),
		workers: workers, flights: map[string]*flight{},
	}
}

// ask runs fn, once for all who ask for the same thing at the same time. fn must
// end when its context does.
func ask[T any](ctx context.Context, a *asker, what string, fn func(context.Context) (T, error)) (T, error) {
	var none T
	if err := a.slots.Acquire(ctx, 1); err != nil {
		return none, fmt.Errorf("wait to %s: %w", what, err)
	}
	if err := a.life.enter(); err != nil {
		a.slots.Release(1)
		return none, err
	}
	f := a.join(ctx, what, func(ctx context.Context) (any, error) { return fn(ctx) })
	select {
	case <-f.done:
		a.done()
		if f.err != nil {
			return none, f.err
		}
		return f.answer.(T), nil
	case <-ctx.Done():
		go func() {
			<-f.done
			a.done()
		}()
		return none, fmt.Errorf("%s: %w", what, ctx.Err())
	}
}

// askAhead runs fn for those who will ask for the same thing, in the goroutine of the
// caller, which must be counted in lifetime. It does nothing if somebody is asking.
func askAhead[T any](ctx context.Context, a *asker, what string, fn func(context.Context) (T, error)) {
	if err := a.slots.Acquire(ctx, 1); err != nil {
		return
	}
	defer a.slots.Release(1)
	if f, begun := a.begin(what); !begun {
		a.fly(ctx, what, f, func(ctx context.Context) (any, error) { return fn(ctx) })
	}
}

// join returns the flight of that request, which it begins if there is none. The
// caller is counted in lifetime until it is done.
func (a *asker) join(ctx context.Context, what string, fn func(context.Context) (any, error)) *flight {
	f, begun := a.begin(what)
	if !begun {
		a.workers.start(func() { a.fly(ctx, what, f, fn) })
	}
	return f
}

// begin returns the flight of that request, and whether it was there. If it was not,
// the caller has to fly it.
func (a *asker) begin(what string) (f *flight, begun bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.flights[what]; f != nil {
		return f, true
	}
	f = &flight{done: make(chan struct{})}
	a.flights[what] = f
	return f, false
}

// fly sends the request and tells all who wait for the answer.
func (a *asker) fly(ctx context.Context, what string, f *flight, fn func(context.Context) (any, error)) {
	work, end := a.life.request(ctx)
	f.answer, f.err = fn(work)
	end()
	a.mu.Lock()
	delete(a.flights, what)
	a.mu.Unlock()
	close(f.done)
}

func (a *asker) done() {
	a.life.leave()
	a.slots.Release(1)
}
