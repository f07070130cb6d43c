package cache

import (
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// blockSize is the unit in which files are kept and handed over, in bytes. A
// GET is for many of them in a row. It is two of the kernel's usual reads, so
// that few are cut, and small enough that 16 readers in 16 MiB still read ahead.
const blockSize = 256 << 10

// smallSize is up to which size, in bytes, a buffer comes from the heap instead
// of being a whole block's.
const smallSize = blockSize / 4

// pool is the memory for blocks. It is one anonymous mapping, so that the
// garbage collector neither scans nor doubles it. Buffers of small files and of
// the ends of files come from the heap, where garbage may be as much again as
// what is in use: they count twice. When it is used up, blocks are borrowed.
type pool struct {
	mem    []byte
	max    int64 // bytes
	lender Lender

	borrowed atomic.Int64 // bytes

	mu    sync.Mutex
	used  int64    // bytes that are counted as handed out
	free  [][]byte // blocks; last in, first out, for the sake of the CPU's cache
	fresh int      // blocks of mem that were never handed out
}

func newPool(max int64, lender Lender) (*pool, error) {
	size := int(max / blockSize * blockSize)
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes for blocks: %w", size, err)
	}
	advise(mem)
	return &pool{mem: mem, max: max, lender: lender}, nil
}

// close gives the memory back. Nothing may hold a buffer any more.
func (p *pool) close() { _ = unix.Munmap(p.mem) } // fails only for a range that was not mapped

// bufferCost is what a buffer for size bytes counts.
func bufferCost(size int) int64 {
	if size > smallSize {
		return blockSize
	}
	return 2 * int64((size+4095)&^4095)
}

// take returns a buffer of at least size bytes, at most blockSize, or nil if
// there is no room. What is borrowed has a giveBack, which put calls.
func (p *pool) take(size int) (buf []byte, giveBack func()) {
	if buf := p.own(size); buf != nil || size <= smallSize || p.lender == nil {
		return buf, nil
	}
	buf, giveBack = p.lender.Lend(blockSize)
	if buf != nil {
		p.borrowed.Add(blockSize)
	}
	return buf, giveBack
}

func (p *pool) own(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	cost := bufferCost(size)
	if p.used+cost > p.max {
		return nil
	}
	if size <= smallSize {
		p.used += cost
		return make([]byte, size)
	}
	if last := len(p.free) - 1; last >= 0 {
		b := p.free[last]
		p.free = p.free[:last]
		p.used += cost
		return b
	}
	at := p.fresh * blockSize
	if at == len(p.mem) {
		return nil
	}
	p.fresh++
	p.used += cost
	return p.mem[at : at+blockSize : at+blockSize]
}

// put takes a buffer for size bytes back.
func (p *pool) put(b []byte, size int, giveBack func()) {
	if giveBack != nil {
		p.borrowed.Add(-blockSize)
		giveBack()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= bufferCost(size)
	if size > smallSize {
		p.free = append(p.free, b)
	}
}

// spare is how many bytes are borrowed or could be.
func (p *pool) spare() int64 {
	if p.lender == nil {
		return 0
	}
	return p.lender.Spare()
}

// inUse returns the bytes that are handed out, borrowed ones included.
func (p *pool) inUse() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used + p.borrowed.Load()
}
