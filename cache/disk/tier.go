package disk

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// MinSize is the least Config.Size, in bytes.
const MinSize = 1 << 20

// Config says where blocks are kept.
type Config struct {
	Dir   string // made if it is not there
	Size  int64  // bytes that may be used
	Store string // tells buckets and stores apart
	Block int    // bytes of a block
	Queue int    // blocks that wait for being written; default 16
	// Reserve is what of the disk is left free, in bytes; default 5 %, at most 10 GiB.
	Reserve int64
	Whole   int64         // bytes from which an object is handed out as a file; default 1 MiB
	Log     *logrus.Entry // default is nowhere
}

// layout is the name of the directory in Config.Dir: another one whenever what is
// in it changes its meaning.
const layout = "sluicefs-1"

// Tier is a directory of blocks. Its methods may be called from any number of
// goroutines, and beside other processes with the same directory.
type Tier struct {
	cfg  Config
	root string
	boot boot
	born time.Time
	lock *os.File

	settle func(*os.File, <-chan struct{}) error // settle, but in tests

	queue   chan offer
	hasty   atomic.Int64 // until when nobody waits for a place in the queue, in ns of clock
	seals   chan *Object
	sweeps  chan struct{}
	stop    chan struct{}
	running sync.WaitGroup

	// room is how many bytes may be written before the next sweep.
	room     atomic.Int64
	writing  sync.Mutex   // held from when bytes are taken from room until they are on the disk, and by who removes an object
	written  atomic.Int64 // since the last sweep
	scratch  []byte       // of a block, for who holds writing
	used     atomic.Int64 // when a block was read or written last, in ns of clock
	sweeping sync.Mutex   // two at once would both give out the same room
	counts   counts

	mu     sync.Mutex
	proofs map[string]*proof    // by name of the segment; at most maxProofs
	open   map[*Object]struct{} // those that have, or had, files open
	warned time.Time
}

// Open makes the directory ready.
func Open(cfg Config) (*Tier, error) {
	if cfg.Size < MinSize {
		return nil, fmt.Errorf("cache directory %s: %d bytes are too few, at least %d are needed", cfg.Dir, cfg.Size, MinSize)
	}
	if cfg.Queue == 0 {
		cfg.Queue = 16
	}
	if cfg.Whole == 0 {
		cfg.Whole = 1 << 20
	}
	if cfg.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		cfg.Log = logrus.NewEntry(l)
	}
	t := &Tier{
		cfg: cfg, root: filepath.Join(cfg.Dir, layout), boot: thisBoot(), born: time.Now(), settle: settle, scratch: make([]byte, cfg.Block), proofs: map[string]*proof{}, open: map[*Object]struct{}{},
		queue: make(chan offer, cfg.Queue), seals: make(chan *Object, maxSeals), sweeps: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if err := t.claim(); err != nil {
		return nil, fmt.Errorf("cache directory %s: %w", cfg.Dir, err)
	}
	if err := t.sweep(); err != nil {
		t.lock.Close()
		return nil, fmt.Errorf("cache directory %s: %w", cfg.Dir, err)
	}
	t.running.Go(t.write)
	t.running.Go(t.sweeper)
	t.running.Go(t.sealer)
	return t, nil
}

// clock is the time since the tier was opened, which nobody sets.
func (t *Tier) clock() time.Duration { return time.Since(t.born) }

var errNotOurs = errors.New("belongs to another user")

// claim makes the directory, for this user alone.
func (t *Tier) claim() error {
	if err := os.MkdirAll(t.root, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(t.root)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", t.root)
	case !ours(info):
		return errNotOurs
	}
	if err := os.Chmod(t.root, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(t.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		t.lock = lock
	}
	return err
}

func (t *Tier) lockPath() string { return filepath.Join(t.root, "lock") }

// reclaim makes the directory anew if somebody has removed it. Where another mount was faster, it
// takes over the lock of that one. Tier.sweeping is held.
func (t *Tier) reclaim() error {
	mine, err := t.lock.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(t.lockPath())
	switch {
	case err == nil && os.SameFile(mine, named):
		return nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	before := t.lock
	if err := t.claim(); err != nil {
		return err
	}
	return before.Close()
}

// Close writes what is queued, and waits for the end of all writing. What waits to be
// sealed is not.
func (t *Tier) Close() {
	close(t.stop)
	t.running.Wait()
	for len(t.seals) > 0 {
		(<-t.seals).Close()
	}
	t.lock.Close()
}

// Object returns an object, of which nothing need be there. Close frees it.
func (t *Tier) Object(key, etag string, size int64) *Object {
	h := sha256.New()
	for _, part := range []string{t.cfg.Store, key, etag, strconv.FormatInt(size, 10), strconv.Itoa(t.cfg.Block)} {
		fmt.Fprintf(h, "%d:%s", len(part), part) // so that no two lists of parts are alike
	}
	o := &Object{t: t, id: [sha256.Size]byte(h.Sum(nil)), size: size, segments: map[int64]*segment{}, opened: map[*segment]struct{}{}}
	o.users.Store(1)
	return o
}

// remember notes that an object has files open.
func (t *Tier) remember(o *Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[o] = struct{}{}
}

// forget undoes remember.
func (t *Tier) forget(o *Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, o)
}

// withFiles are the objects that have files open.
func (t *Tier) withFiles() []*Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.open))
}

// Stats is what a tier did so far.
type Stats struct {
	Read    int64 // bytes that were found
	Written int64 // bytes that were kept
	Dropped int64 // blocks that found no place in the queue, or no room
	Damaged int64 // blocks that were not what their checksum says
	Evicted int64 // segments
}

type counts struct{ read, written, dropped, damaged, evicted atomic.Int64 }

// Stats returns the counters.
func (t *Tier) Stats() Stats {
	c := &t.counts
	return Stats{c.read.Load(), c.written.Load(), c.dropped.Load(), c.damaged.Load(), c.evicted.Load()}
}

// warn tells of trouble with the disk, at most once a minute.
func (t *Tier) warn(err error) {
	t.mu.Lock()
	often := time.Since(t.warned) < time.Minute
	if !often {
		t.warned = time.Now()
	}
	t.mu.Unlock()
	if !often {
		t.cfg.Log.WithError(err).Warn("the cache directory does not work as it should; going on without")
	}
}
