package uploader

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/semaphore"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// Store is what the uploader needs of an object store.
type Store interface {
	Profile() *objstore.Profile
	Head(ctx context.Context, key string) (objstore.Info, error)
	Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error)
	Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error)
	CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error)
	UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error)
	UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error)
	Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error)
	Abort(ctx context.Context, up objstore.UploadRef) error
	ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error)
	Delete(ctx context.Context, key string) error
	Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error)
}

// Conflict says what a commit does when the object changed since it was opened.
type Conflict string

// The policies.
const (
	ConflictFail      Conflict = "fail"      // ErrConflict; the other writer's object stays
	ConflictOverwrite Conflict = "overwrite" // the last commit wins
	ConflictKeepBoth  Conflict = "keep-both" // the other's object moves to NAME.conflict-HOST-TIME
)

// Defaults of Config.
const (
	DefaultThreshold   = 20 << 20 // bytes; what the vendors' own tools send as one PutObject
	DefaultConcurrency = 16       // parts in flight: fills 10 Gbit/s at 20 ms and 80 MB/s a connection
	DefaultSpill       = 4 << 30  // bytes
)

// MinMemory returns the smallest budget for a store, in bytes: six of its smallest parts.
func MinMemory(p *objstore.Profile) int64 {
	return cellsInMemory * alignUp(alignUp(p.Part.Min, p.Part.Align), chunkSize)
}

// Config says how a mount writes. The zero value of a field is its default.
type Config struct {
	Memory      int64         // bytes for all files under write; at least MinMemory
	PartSize    int64         // bytes; 0 grows by Ladder
	Ladder      []Rung        // DefaultLadder
	Threshold   int64         // bytes; files up to it are one PutObject; a third of Memory at the most
	Concurrency int           // parts in flight for the whole mount
	SpillDir    string        // where the spill file is made; the system's for temporary files
	Spill       int64         // bytes of spill file at the most
	Conflict    Conflict      // ConflictFail
	StagePrefix string        // where hidden objects are put; ".sluicefs/stage/"
	Freshness   time.Duration // how long the state seen at open stands in for a guard the store lacks
	Log         *logrus.Entry // for what no caller waits for; discards by default
}

// Uploader turns the writes of a mount into uploads, inside one memory budget.
// All methods may be called from any goroutine.
type Uploader struct {
	store   Store
	profile *objstore.Profile
	log     *logrus.Entry

	cfg       Config
	grid      grid
	crc       crc
	pool      *pool
	spill     *spill
	slots     *slots              // parts in flight
	composing *semaphore.Weighted // one: see File.compose

	ctx       context.Context // the life of every file and of what is done for it; ends in Close
	cancel    context.CancelFunc
	hurry     context.Context // ends, before that, the waits for answers that nobody needs
	rush      context.CancelFunc
	wg        sync.WaitGroup // every goroutine that works for a file
	reclaimer sync.WaitGroup // the one that finds memory
	tidier    sync.WaitGroup // the one that tidies up

	once  sync.Once // of Close
	ended error     // its answer

	recallLoans func(n int64) // see OnShort

	stats    counters
	failures failures

	leftovers leftovers

	names atomic.Uint64 // makes hidden keys different
	nonce string

	// mu is a leaf but for pool.mu: see the lock order in doc.go.
	mu       sync.Mutex
	files    map[*File]struct{}
	nameless map[*File]struct{} // those of them that have sent parts under a name that they lost
	parked   map[*File]parked
	closed   chan struct{} // replaced and closed whenever a file goes
	draining bool
	dirty    *list.List // cells with bytes that are only here and not on their way, coldest first
	clean    *list.List // cells whose memory may be taken, oldest first
	passed   *list.List // those of them that a stream has left behind: see thin
	behind   int64      // bytes of the cells in passed
	pinned   *list.List // first cells that were sent: headers are rewritten, so they go last
	inflight int        // parts being sent
}

// New starts an uploader. Only Close ends it: of ctx it takes the values, not the end.
func New(ctx context.Context, store Store, cfg Config) (*Uploader, error) {
	p := store.Profile()
	cfg = cfg.withDefaults()
	if least := MinMemory(p); cfg.Memory < least {
		return nil, fmt.Errorf("write memory of %d bytes is below the smallest of %d", cfg.Memory, least)
	}
	cfg.Threshold = min(cfg.Threshold, cfg.Memory/3) // what is sent is pinned, and may need as much again to be fetched
	pool, err := newPool(cfg.Memory)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	hurry, rush := context.WithCancel(context.WithoutCancel(ctx))
	u := &Uploader{
		store:   &patientStore{store, &patient.Patience{Answer: patient.Answer, Hurry: hurry}},
		profile: p, log: cfg.Log, cfg: cfg,
		grid:      newGrid(p, cfg.Ladder, cfg.PartSize, cfg.Memory),
		crc:       crcOf(p),
		pool:      pool,
		spill:     &spill{dir: cfg.SpillDir, slots: int(cfg.Spill / chunkSize)},
		slots:     newSlots(cfg.Concurrency),
		composing: semaphore.NewWeighted(1),
		ctx:       ctx, cancel: cancel, hurry: hurry, rush: rush, nonce: newNonce(),
		files: map[*File]struct{}{}, nameless: map[*File]struct{}{}, parked: map[*File]parked{}, closed: make(chan struct{}),
		dirty: list.New(), clean: list.New(), passed: list.New(), pinned: list.New(),
		failures: failures{byKey: map[string]Failure{}}, recallLoans: func(int64) {},
	}
	u.reclaimer.Go(u.reclaim)
	u.tidier.Go(u.tidyUp)
	return u, nil
}

func (cfg Config) withDefaults() Config {
	set := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&cfg.Memory, 384<<20)
	set(&cfg.Threshold, DefaultThreshold)
	set(&cfg.Spill, DefaultSpill)
	if cfg.Ladder == nil {
		cfg.Ladder = DefaultLadder()
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = DefaultConcurrency
	}
	if cfg.SpillDir == "" {
		cfg.SpillDir = os.TempDir()
	}
	if cfg.Conflict == "" {
		cfg.Conflict = ConflictFail
	}
	if cfg.StagePrefix == "" {
		cfg.StagePrefix = ".sluicefs/stage/"
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = logrus.NewEntry(silent)
	}
	return cfg
}

// MaxSize returns the bytes of the largest file that the store and the plan allow.
func (u *Uploader) MaxSize() int64 { return u.grid.maxSize }

// Drain refuses new files and waits until every open one was closed, or ctx ends.
func (u *Uploader) Drain(ctx context.Context) error {
	for {
		u.mu.Lock()
		u.draining = true
		left, closed := len(u.files), u.closed
		u.mu.Unlock()
		if left == 0 {
			return nil
		}
		u.recall()
		select {
		case <-closed:
		case <-ctx.Done():
			return fmt.Errorf("drain %d files: %w", left, ctx.Err())
		}
	}
}

// Draining reports that no new files are taken.
func (u *Uploader) Draining() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.draining
}

// How long Close waits: for the answers to what is on its way, and then for the
// store to end unfinished uploads.
const (
	lastAnswers = 3 * time.Second
	abortTime   = 5 * time.Second
)

// Close ends the uploader. What was not committed is given up: its uploads are
// aborted as far as the store answers within a few seconds. Later calls return
// the answer of the first.
func (u *Uploader) Close() error {
	u.once.Do(func() { u.ended = u.end() })
	return u.ended
}

func (u *Uploader) end() error {
	u.mu.Lock()
	u.draining = true
	var open []*File
	for f := range u.files {
		open = append(open, f)
	}
	u.mu.Unlock()
	for _, f := range open {
		f.Discard(ErrClosed)
	}
	hurry := time.AfterFunc(lastAnswers, u.rush)
	patience := time.AfterFunc(lastAnswers+abortTime, u.cancel)
	var ends sync.WaitGroup
	for _, f := range open {
		ends.Go(func() { _ = f.Close(context.WithoutCancel(u.ctx)) }) // every request ends
	}
	ends.Wait()
	u.wg.Wait()
	hurry.Stop()
	u.rush()
	u.tidier.Wait()
	u.tidyLeftovers(u.ctx)
	patience.Stop()
	u.cancel()
	u.reclaimer.Wait()
	return errors.Join(u.spill.close(), u.pool.close())
}

// drop gives a reference to a chunk back. The mutex of the file that held it is held.
func (u *Uploader) drop(k *chunk) {
	if k.refs--; k.refs > 0 {
		return
	}
	if k.spilled() {
		u.spill.release(k.slot)
		return
	}
	u.pool.put([]*chunk{k})
}

// age puts a cell at the young end of the list that its state asks for. The
// cell's file is locked.
func (u *Uploader) age(c *cell) {
	var to *list.List
	switch {
	case c.state == filling || c.state == sealed:
		to = u.dirty
	case c.state == clean && len(c.have) > 0 && c.index == 0 && c.part.Size > 0:
		to = u.pinned
	case c.state == clean && len(c.have) > 0 && c.part.Size > 0 && !c.file.random:
		to = u.passed
	case c.state == clean && len(c.have) > 0:
		to = u.clean
	}
	defer u.pool.kick()
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.aged != nil && c.aged == to {
		to.MoveToBack(c.age)
		return
	}
	if c.aged != nil {
		c.aged.Remove(c.age)
	}
	if c.aged == u.passed {
		u.behind -= c.size
	}
	if to == u.passed {
		u.behind += c.size
	}
	c.aged, c.age = to, nil
	if to != nil {
		c.age = to.PushBack(c)
	}
}

// hiddenKey returns a key that no other mount uses.
func (u *Uploader) hiddenKey() string {
	return fmt.Sprintf("%s%s-%d", u.cfg.StagePrefix, u.nonce, u.names.Add(1))
}
