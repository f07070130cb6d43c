package uploader

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// chunk is a piece of the memory budget. It belongs to whoever took it from the
// pool; refs is guarded by the mutex of the file that holds it.
type chunk struct {
	buf   []byte // chunkSize long; nil when the bytes are in the spill file
	slot  int    // place in the spill file, where buf is nil
	place int32  // in the pool, where there is a buf
	refs  int    // holders: the cell, and each body being sent from it
}

// spilled reports that the bytes are in the spill file.
func (c *chunk) spilled() bool { return c.buf == nil }

// pool is the memory budget of all files under write. Memory comes from one
// anonymous mapping, so that the garbage collector neither scans nor doubles it.
type pool struct {
	mem   []byte
	total int           // chunks in mem
	short chan struct{} // told, without blocking, that memory may be found for those who wait

	mu      sync.Mutex
	free    *freeChunks
	lent    int // chunks that are lent, see lend.go
	closed  bool
	waiting []*request
	queued  atomic.Int32 // requests in waiting, to be read without the mutex
}

// request is a wait for n chunks. got is closed once chunks holds them, or err
// says why there will be none.
type request struct {
	n      int
	chunks []*chunk
	err    error
	got    chan struct{}
}

func newPool(memory int64) (*pool, error) {
	total := int(memory / chunkSize)
	mem, err := unix.Mmap(-1, 0, total*chunkSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes for write buffers: %w", memory, err)
	}
	// Large pages save the page faults of a stream that runs through the budget;
	// a kernel without them says so, and nothing is lost.
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE)
	return &pool{mem: mem, total: total, short: make(chan struct{}, 1), free: newFreeChunks(mem)}, nil
}

// close gives the memory back, or leaves that to who gives back the last loan. No file
// may hold a chunk any more.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.lent > 0 {
		return nil
	}
	return unix.Munmap(p.mem)
}

// take hands out n chunks, all at once: a holder of some that waits for others
// could otherwise block for ever. It waits in the order of arrival until they
// are there, ctx ends, the file that they are for fails, or fail says that there
// never will be as many. The caller holds no lock that reclaim needs.
func (p *pool) take(ctx, file context.Context, n int) ([]*chunk, error) {
	p.mu.Lock()
	if n > p.total {
		p.mu.Unlock()
		return nil, ErrNoSpace
	}
	if len(p.waiting) == 0 && p.free.n >= n {
		defer p.mu.Unlock()
		return p.popLocked(n), nil
	}
	r := &request{n: n, got: make(chan struct{})}
	p.waiting = append(p.waiting, r)
	p.queued.Add(1)
	p.mu.Unlock()
	p.kick()
	var err error
	select {
	case <-r.got:
		return r.chunks, r.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-file.Done():
		err = context.Cause(file)
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, r)
	if i >= 0 {
		p.dequeueLocked(i)
		p.serveLocked() // those behind may have waited only for this one
	}
	p.mu.Unlock()
	if i < 0 {
		p.put(r.chunks) // it was served in the same moment
	}
	p.kick() // the one behind may need more than the first did
	return nil, err
}

func (p *pool) dequeueLocked(i int) {
	p.waiting = slices.Delete(p.waiting, i, i+1)
	p.queued.Add(-1)
}

// put takes chunks back.
func (p *pool) put(chunks []*chunk) {
	if len(chunks) == 0 {
		return
	}
	p.mu.Lock()
	for _, c := range chunks {
		p.free.push(c)
	}
	p.serveLocked()
	p.mu.Unlock()
}

// kick wakes the reclaimer if somebody waits. Whoever makes memory that can be
// reclaimed, or ends what held it, calls it afterwards: a waiter that came before
// is seen here, and one that comes later kicks for itself.
func (p *pool) kick() {
	if p.queued.Load() == 0 {
		return
	}
	select {
	case p.short <- struct{}{}:
	default:
	}
}

// wanted returns how many chunks are missing for the first waiter, 0 without one.
func (p *pool) wanted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		return 0
	}
	return p.waiting[0].n - p.free.n
}

// fail ends the first wait without chunks. Who waited frees what its file holds,
// or kicks, so that those behind it need not fail too.
func (p *pool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.waiting[0].err = err
		close(p.waiting[0].got)
		p.dequeueLocked(0)
		p.serveLocked()
	}
}

// used returns the bytes that files under write have.
func (p *pool) used() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.total-p.free.n-p.lent) * chunkSize
}

func (p *pool) serveLocked() {
	for len(p.waiting) > 0 && p.free.n >= p.waiting[0].n {
		r := p.waiting[0]
		p.dequeueLocked(0)
		r.chunks = p.popLocked(r.n)
		close(r.got)
	}
}

func (p *pool) popLocked(n int) []*chunk {
	out := make([]*chunk, n)
	for i := range out {
		out[i] = p.free.pop()
		out[i].refs = 1
	}
	return out
}
