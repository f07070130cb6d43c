package cache

import (
	"context"
	"sync"
	"sync/atomic"

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

// Known is what Stat would say without asking. known is false where it would ask.
func (c *Cache) Known(key string) (info objstore.Info, there, known bool) {
	info, v := c.tree.stat(key, answered{})
	return info, v == present, v == absent || v == present && info.Full
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

// StatAhead learns everything about objects that are going to be asked for, with
// at most Config.Heads requests at a time. It ends early when ctx does. What fails
// is asked for again when it is needed.
func (c *Cache) StatAhead(ctx context.Context, keys []string) {
	if err := c.life.enter(); err != nil {
		return
	}
	defer c.life.leave()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(c.cfg.Heads, len(keys)) {
		workers.Add(1)
		c.asker.workers.start(func() {
			defer workers.Done()
			for i := next.Add(1); i <= int64(len(keys)) && ctx.Err() == nil; i = next.Add(1) {
				c.headAhead(ctx, keys[i-1])
			}
		})
	}
	workers.Wait()
}

// headAhead asks for an object unless it is known or somebody does.
func (c *Cache) headAhead(ctx context.Context, key string) {
	if _, _, known := c.Known(key); known {
		return
	}
	askAhead(ctx, c.asker, headQuestion(key), c.headOf(key))
}
