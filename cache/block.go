package cache

import (
	"context"
	"sync"
	"sync/atomic"
)

// block is a piece of one version of an object. It is filled from its beginning
// by one run, and may be read as far as it is filled. Its buffer goes back to the
// pool when the last holder lets go: the run that fills it, readers, and the
// cache of whole blocks.
type block struct {
	of    *version
	index int64 // off/blockSize, or -1 for a piece that is in no grid
	off   int64 // in the object
	size  int   // bytes
	run   *run
	pool  *pool
	buf   []byte
	// giveBack is where the buffer goes if it is borrowed, else nil.
	giveBack func()
	refs     atomic.Int32

	mu     sync.Mutex
	filled int
	err    error
	// want is the least that somebody waits for, who is told by changed; both
	// are zero when nobody waits.
	want    int
	changed chan struct{}
}

// end is the offset behind the block.
func (b *block) end() int64 { return b.off + int64(b.size) }

// hold keeps the buffer until release. It fails if the buffer is gone already,
// which only a block found in the cache can be.
func (b *block) hold() bool {
	for {
		n := b.refs.Load()
		if n == 0 {
			return false
		}
		if b.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// isBorrowed reports that the buffer may be called in.
func (b *block) isBorrowed() bool { return b.giveBack != nil }

func (b *block) release() {
	if b.refs.Add(-1) == 0 {
		buf := b.buf
		b.buf = nil
		b.pool.put(buf, b.size, b.giveBack)
	}
}

// advance tells that so many bytes more are there.
func (b *block) advance(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filled += n
	if b.changed != nil && b.filled >= b.want {
		b.tellLocked()
	}
}

// fail tells that nothing more will come.
func (b *block) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	if b.changed != nil {
		b.tellLocked()
	}
}

func (b *block) tellLocked() {
	close(b.changed)
	b.changed, b.want = nil, 0
}

// wait returns when the first need bytes are there, or will not come, or ctx ends.
func (b *block) wait(ctx context.Context, need int) error {
	for {
		changed, err := b.state(need)
		if changed == nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// state is nil if the first need bytes are there, the error if they will not
// come, or what tells of a change.
func (b *block) state(need int) (<-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.filled >= need:
		return nil, nil
	case b.err != nil:
		return nil, b.err
	}
	if b.changed == nil {
		b.changed, b.want = make(chan struct{}), need
	}
	b.want = min(b.want, need)
	return b.changed, nil
}

// whole reports that all of it is there.
func (b *block) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.filled == b.size
}
