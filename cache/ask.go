package cache

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// asker sends the requests about names: the same one only once at a time.
//
// The context of a caller ends its wait and not the request: a Go program that
// reads through the mount is interrupted every few milliseconds by its own
// scheduler, comes back at once, and must then find the request still running.
// What is so left running is bounded by slots: each caller holds one until the
// request that it waited for has ended, even if it has gone before.
type asker struct {
	life  *lifetime
	slots *semaphore.Weighted
	group singleflight.Group
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
	answer := a.group.DoChan(what, func() (any, error) {
		work, end := a.life.request(ctx)
		defer end()
		return fn(work)
	})
	select {
	case r := <-answer:
		a.done()
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	case <-ctx.Done():
		go func() {
			<-answer
			a.done()
		}()
		return none, fmt.Errorf("%s: %w", what, ctx.Err())
	}
}

func (a *asker) done() {
	a.life.leave()
	a.slots.Release(1)
}
