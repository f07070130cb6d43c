package cache

import (
	"context"
	"sync"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Stat is everything about an object, with Info.Full set: what this mount
// stored, what a HEAD told not longer ago than AttrTTL or what is proven to
// describe the object still, or else the answer to a HEAD now. One that is not
// there is objstore.ErrNotFound. A directory's key is that of its marker. The
// maps in the Info are shared: do not change them.
func (c *Cache) Stat(ctx context.Context, key string) (objstore.Info, error) {
	if key == "" {
		return objstore.Info{}, notFound("look at", key)
	}
	var got answered
	for first := true; ; first = false {
		info, v := c.tree.stat(key, got)
		switch {
		case v == absent:
			return objstore.Info{}, notFound("look at", key)
		case v == present && info.Full:
			return info, nil
		}
		if first {
			defer c.tree.unpin(c.tree.pin())
		}
		var err error
		if got.head, err = c.askHead(ctx, key); err != nil {
			return objstore.Info{}, err
		}
	}
}

// stat is what is known of an object.
func (t *tree) stat(key string, got answered) (objstore.Info, verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	f := t.factLocked(dir, label, got)
	if f.verdict != present {
		return objstore.Info{}, f.verdict
	}
	return t.infoLocked(dir, label, f), present
}

// Stated is the answer to one key of a StatMany.
type Stated struct {
	Info objstore.Info
	Err  error
}

// StatMany is Stat of many keys, in their order, with at most Config.Heads
// requests at a time. It ends early, with the error of ctx for the rest, when ctx does.
func (c *Cache) StatMany(ctx context.Context, keys []string) []Stated {
	out := make([]Stated, len(keys))
	var next struct {
		sync.Mutex
		i int
	}
	take := func() int {
		next.Lock()
		defer next.Unlock()
		next.i++
		return next.i - 1
	}
	var workers sync.WaitGroup
	for range min(c.cfg.Heads, len(keys)) {
		workers.Go(func() {
			for i := take(); i < len(keys); i = take() {
				out[i].Info, out[i].Err = c.Stat(ctx, keys[i])
			}
		})
	}
	workers.Wait()
	return out
}
