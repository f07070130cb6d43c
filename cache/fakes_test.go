package cache_test

import (
	"context"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// counted is a store in memory, which counts.
type counted struct{ *mem.Store }

// delayed answers with what was there when it was asked, some time later.
type delayed struct {
	cache.Store
	clock *clock
	by    time.Duration
}

func (d *delayed) Head(ctx context.Context, key string) (objstore.Info, error) {
	defer d.clock.add(d.by)
	return d.Store.Head(ctx, key)
}

func (d *delayed) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	defer d.clock.add(d.by)
	return d.Store.List(ctx, opts)
}

// failing answers with an error while there is one.
type failing struct {
	cache.Store

	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *failing) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := f.failure(); err != nil {
		return objstore.Info{}, err
	}
	return f.Store.Head(ctx, key)
}

func (f *failing) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	if err := f.failure(); err != nil {
		return objstore.ListPage{}, err
	}
	return f.Store.List(ctx, opts)
}
