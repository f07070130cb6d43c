package cache

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/cache/disk"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Store is the part of an objstore.Store that a cache needs.
type Store interface {
	Head(ctx context.Context, key string) (objstore.Info, error)
	Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error)
	List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error)
}

// MinMemory is the least Config.Memory, in bytes: room for a few blocks.
const MinMemory = 4 << 20

// MinDiskSize is the least Config.DiskSize, in bytes.
const MinDiskSize = disk.MinSize

// Config says how a cache works. The zero value of each field is its default.
type Config struct {
	// Memory bounds all that is kept, in bytes; default 128 MiB.
	Memory int64
	// NameMemory is the share of Memory for names and attributes; the rest is for
	// blocks of files. Default a quarter, at most 256 MiB.
	NameMemory int64

	// Lender is asked for blocks beyond Memory; nil borrows nothing.
	Lender Lender

	// AttrTTL is how old what is known of one object may be, DirTTL the same of a
	// directory's entries, NegativeTTL of a name that was looked for and not
	// found. Each counts from the moment at which the request was sent. Default
	// 1 s; negative keeps nothing beyond the callers that wait for an answer.
	AttrTTL, DirTTL, NegativeTTL time.Duration

	// Entries is the most entries of one directory that are kept together;
	// default 100,000. What is beyond is streamed and forgotten.
	Entries int
	// ListOnly learns of files by LIST alone and never sends a HEAD for a Lookup:
	// for mounts that need no metadata.
	ListOnly bool
	// Hide tells which keys no path shows. It is asked for objects and, with a
	// "/" at the end, for directories. It must be pure and is called with locks held.
	Hide func(key string) bool

	// DiskDir is a directory for blocks, shared with other mounts and kept beyond
	// them; "" keeps none. DiskSize is how much of the disk it may take, in bytes, and
	// DiskName tells buckets and stores apart in it.
	DiskDir  string
	DiskSize int64
	DiskName string

	// SSE is the key to read objects with that need one (mode "c").
	SSE objstore.SSE
	// Heads is the most HEADs that one StatAhead has under way; default 128. A walk
	// takes a sixth less time with them than with 64 at a store 20 ms away, and the
	// same at a near one.
	Heads int
	// Waiters is the most callers that wait for an answer about names; more wait
	// for a place. It bounds the requests too; default 256.
	Waiters int

	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log gets what the mount's owner should know; default is nowhere.
	Log *logrus.Entry
}

func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Memory, 128<<20)
	setDefault(&cfg.NameMemory, min(cfg.Memory/4, 256<<20))
	setDefault(&cfg.AttrTTL, time.Second)
	setDefault(&cfg.DirTTL, time.Second)
	setDefault(&cfg.NegativeTTL, time.Second)
	setDefault(&cfg.Entries, 100_000)
	setDefault(&cfg.Heads, 128)
	setDefault(&cfg.Waiters, 256)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		cfg.Log = logrus.NewEntry(l)
	}
	return cfg
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Cache is what one mount knows of its bucket. All methods may be called from
// any number of goroutines.
type Cache struct {
	store  Store
	cfg    Config
	life   *lifetime
	asker  *asker
	tree   *tree
	blocks *blocks

	mu       sync.Mutex
	shadowed map[string]struct{} // keys that were warned of; at most maxShadowed
}

// New returns a cache of a bucket. Close frees it.
func New(store Store, cfg Config) (*Cache, error) {
	cfg = cfg.withDefaults()
	if cfg.Memory < MinMemory || cfg.NameMemory < 0 || cfg.NameMemory > cfg.Memory/2 {
		return nil, fmt.Errorf("cache: %d bytes of memory, %d of them for names, are too few or badly shared", cfg.Memory, cfg.NameMemory)
	}
	t, err := newTree(cfg)
	if err != nil {
		return nil, fmt.Errorf("cache: make room for names: %w", err)
	}
	life := newLifetime()
	workers := newWorkers(life)
	b, err := newBlocks(store, cfg, life, workers)
	if err != nil {
		t.shelf.close()
		return nil, fmt.Errorf("cache: make room for blocks: %w", err)
	}
	if err := b.openDisk(cfg); err != nil {
		b.close()
		t.shelf.close()
		return nil, err
	}
	return &Cache{
		store: store, cfg: cfg, life: life, tree: t, blocks: b,
		asker:    newAsker(life, workers, cfg.Waiters),
		shadowed: map[string]struct{}{},
	}, nil
}

// KeepsTime says that in this store a change of an object's metadata does not change its
// Last-Modified: what a HEAD told is believed no longer than anything else.
func (c *Cache) KeepsTime() {
	c.tree.mu.Lock()
	defer c.tree.mu.Unlock()
	c.tree.keepsTime = true
}

// Close ends all requests, waits for them and for all callers, and frees the
// memory. Readers need not be closed before. Callers get ErrClosed.
func (c *Cache) Close() {
	if !c.life.close() {
		return
	}
	c.tree.shelf.close()
	c.blocks.close()
}

const maxShadowed = 1024

// warnShadow tells the log, once for each key, that a file is hidden by a
// directory of its name.
func (c *Cache) warnShadow(key string) {
	c.mu.Lock()
	_, known := c.shadowed[key]
	full := len(c.shadowed) >= maxShadowed
	if !known && !full {
		c.shadowed[key] = struct{}{}
	}
	c.mu.Unlock()
	if !known && !full {
		c.cfg.Log.WithField("key", key).Warn("an object has the name of a directory and is not shown")
	}
}
