package cache_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// newMem is a store in memory with pages of that many entries.
func newMem(t testing.TB, page int, opts ...mem.Option) *mem.Store {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("no profile of aws")
	}
	return mem.New(p, append(opts, mem.WithPage(page))...)
}

// put stores an object of a few bytes.
func put(t testing.TB, s *mem.Store, key, content string, opts ...func(*objstore.PutOptions)) objstore.Info {
	t.Helper()
	var o objstore.PutOptions
	for _, f := range opts {
		f(&o)
	}
	info, err := s.Put(context.Background(), key, objstore.Body{Reader: bytes.NewReader([]byte(content)), Size: int64(len(content))}, o)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func del(t testing.TB, s *mem.Store, key string) {
	t.Helper()
	if err := s.Delete(context.Background(), key); err != nil {
		t.Fatal(err)
	}
}

// newCache is a cache that the test closes.
func newCache(t testing.TB, s cache.Store, cfg cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New(s, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// names reads a whole directory.
func names(t testing.TB, c *cache.Cache, dir string) []string {
	t.Helper()
	var out []string
	d := c.ReadDir(dir)
	for {
		e, err := d.Next(context.Background())
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Dir {
			e.Name += "/"
		}
		out = append(out, e.Name)
	}
}

// gated is a store whose Head and List stop before and after they are answered,
// until the test lets them go on. It is for a synctest bubble.
type gated struct {
	cache.Store

	mu      sync.Mutex
	stopped []chan struct{}
	sent    map[int]time.Time // of the requests under way
	number  int
	open    bool
}

// begin counts a request until the end of what it returns.
func (g *gated) begin() (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent == nil {
		g.sent = map[int]time.Time{}
	}
	g.number++
	n := g.number
	g.sent[n] = time.Now()
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.sent, n)
	}
}

func (g *gated) stop(ctx context.Context) error {
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	g.stopped = append(g.stopped, ch)
	g.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// step lets one of those that are stopped go on, chosen by pick.
func (g *gated) step(pick func(n int) int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.stopped) == 0 {
		return false
	}
	i := pick(len(g.stopped))
	close(g.stopped[i])
	g.stopped = append(g.stopped[:i], g.stopped[i+1:]...)
	return true
}

func (g *gated) Head(ctx context.Context, key string) (objstore.Info, error) {
	defer g.begin()()
	if err := g.stop(ctx); err != nil {
		return objstore.Info{}, err
	}
	info, err := g.Store.Head(ctx, key)
	if err := g.stop(ctx); err != nil {
		return objstore.Info{}, err
	}
	return info, err
}

func (g *gated) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	defer g.begin()()
	if err := g.stop(ctx); err != nil {
		return objstore.ListPage{}, err
	}
	page, err := g.Store.List(ctx, opts)
	if err := g.stop(ctx); err != nil {
		return objstore.ListPage{}, err
	}
	return page, err
}
