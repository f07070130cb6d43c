package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/sluicefs/sluicefs/cache/disk"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// blocks is the memory for the contents of files and those who use it.
type blocks struct {
	store   Store
	sse     objstore.SSE
	life    *lifetime
	workers *workers
	now     func() time.Time
	pool    *pool
	whole   *ristretto.Cache[uint64, *block]
	seed    maphash.Seed
	ahead   int64      // bytes for all that is read ahead
	disk    *disk.Tier // nil where nothing is kept on the disk

	speed   speed
	gets    atomic.Int64 // requests that were sent
	fetched atomic.Int64 // bytes that they were for
	served  atomic.Int64 // bytes that readers got
	windows atomic.Int64 // streams that hold blocks
	// reclaimed is when the idle readers were looked for last, as UnixNano.
	reclaimed atomic.Int64

	mu       sync.Mutex
	versions map[versionID]*version
	readers  map[*Reader]struct{} // with blocks held
}

type versionID struct{ key, etag string }

// newBlocks shares what is left of the memory: a third of it is for whole blocks
// that nobody reads, the rest for what is read ahead.
func newBlocks(store Store, cfg Config, life *lifetime, workers *workers) (*blocks, error) {
	total := cfg.Memory - cfg.NameMemory
	p, err := newPool(total, cfg.Lender)
	if err != nil {
		return nil, err
	}
	whole, err := ristretto.NewCache(&ristretto.Config[uint64, *block]{
		NumCounters:        max(10*total/blockSize, 10_000),
		MaxCost:            total / 3,
		BufferItems:        64,
		IgnoreInternalCost: true,
		OnExit: func(b *block) {
			if b != nil {
				b.release()
			}
		},
	})
	if err != nil {
		p.close()
		return nil, err
	}
	s := &blocks{
		store: store, sse: cfg.SSE, life: life, workers: workers, now: cfg.Now, pool: p, whole: whole,
		seed: maphash.MakeSeed(), speed: speed{climb: newClimb()}, ahead: total - total/3,
		versions: map[versionID]*version{}, readers: map[*Reader]struct{}{},
	}
	if cfg.Lender != nil {
		cfg.Lender.OnShort(s.giveBack)
	}
	return s, nil
}

// diskQueue is the share of what is read ahead in which blocks wait for the disk:
// enough that a disk which is nearly as fast as the store need not be passed by.
const diskQueue = 4

// openDisk makes the directory for blocks ready, if there is to be one.
func (s *blocks) openDisk(cfg Config) (err error) {
	if cfg.DiskDir == "" {
		return nil
	}
	queue := s.ahead / diskQueue
	s.ahead -= queue
	s.disk, err = disk.Open(disk.Config{
		Dir: cfg.DiskDir, Size: cfg.DiskSize, Store: cfg.DiskName,
		Block: blockSize, Queue: int(max(1, queue/blockSize)), Log: cfg.Log,
	})
	return err
}

// close frees the memory. Nothing runs any more.
func (s *blocks) close() {
	if s.disk != nil {
		s.disk.Close()
	}
	for _, r := range s.holders() {
		r.letGo()
	}
	s.whole.Close()
	s.pool.close()
}

// use returns the version that all readers of it share.
func (s *blocks) use(key, etag string, size int64) *version {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := versionID{key, etag}
	v := s.versions[id]
	if v == nil || !v.pinned() {
		v = &version{key: key, etag: etag, size: size, flying: map[int64]*block{}}
		v.hash = maphash.String(s.seed, key)*0x9e3779b97f4a7c15 ^ maphash.String(s.seed, etag)
		if v.pinned() {
			s.versions[id] = v
			if s.disk != nil && size > 0 {
				v.disk = s.disk.Object(key, etag, size)
			}
		}
	}
	v.users++
	return v
}

func (s *blocks) unuse(v *version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.users--; v.users == 0 && v.pinned() {
		delete(s.versions, versionID{v.key, v.etag})
		if v.disk != nil {
			v.disk.Close()
		}
	}
}

// streams is among how many streams memory and line are shared.
func (s *blocks) streams() int64 { return max(1, s.windows.Load()) }

// share is how much one stream may read ahead, in bytes.
func (s *blocks) share() int64 { return (s.ahead + s.pool.spare()) / s.streams() }

// holds notes that a reader holds blocks, or that it does no more.
func (s *blocks) holds(r *Reader, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if some {
		s.readers[r] = struct{}{}
	} else {
		delete(s.readers, r)
	}
}

// idleTime is after which time without a read what a reader has read ahead is
// given to those who have too little.
const idleTime = 2 * time.Second

// reclaim takes the blocks of readers that have not read for a while. A reader
// that is busy now is not one of them. asking is locked by the caller. It looks
// at all of them, so it does so not more often than it can help.
func (s *blocks) reclaim(asking *Reader) {
	now := s.now()
	last := s.reclaimed.Load()
	if now.UnixNano()-last < int64(idleTime/8) || !s.reclaimed.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	before := now.Add(-idleTime)
	for _, r := range s.holders() {
		if r == asking || !r.mu.TryLock() {
			continue
		}
		if r.lastRead.Before(before) {
			r.letGoLocked()
		}
		r.mu.Unlock()
	}
}

func (s *blocks) holders() []*Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Reader, 0, len(s.readers))
	for r := range s.readers {
		out = append(out, r)
	}
	return out
}
