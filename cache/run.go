package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// run is one ranged GET, or a passage of the disk, that fills blocks which follow
// each other.
type run struct {
	s      *blocks
	v      *version
	active *atomic.Int64   // counts the runs under way of whoever began this one
	ctx    context.Context // of this request
	cancel context.CancelFunc
	blocks []*block
	local  bool // the disk seems to have them

	// landed is how many of the blocks are done with; guarded by v.mu.
	landed int
}

// errUnwanted ends a run that nobody waits for any more.
var errUnwanted = errors.New("nobody wants the rest")

// newRun makes a run to which blocks can be added until start. ctx gives its
// values only: the run lives as long as somebody wants its blocks.
func (s *blocks) newRun(ctx context.Context, v *version, active *atomic.Int64, local bool) *run {
	r := &run{s: s, v: v, active: active, local: local}
	r.ctx, r.cancel = s.life.request(ctx)
	return r
}

// add makes a block for a range and holds it, for the run and for the caller.
// It is nil where there is no memory. The caller holds v.mu if the block is to
// be found by others, which needs an index.
func (r *run) add(index, off int64, size int) *block {
	buf, giveBack := r.s.pool.take(size)
	if buf == nil {
		return nil
	}
	b := &block{of: r.v, index: index, off: off, size: size, run: r, pool: r.s.pool, buf: buf, giveBack: giveBack}
	b.refs.Store(2)
	r.blocks = append(r.blocks, b)
	if index >= 0 {
		r.v.flying[index] = b
	}
	return b
}

// start sends the request, if there is anything to ask for.
func (r *run) start() {
	if len(r.blocks) == 0 {
		r.cancel()
		return
	}
	if err := r.s.life.enter(); err != nil {
		r.end(err)
		r.cancel()
		return
	}
	r.active.Add(1)
	r.s.workers.start(func() {
		defer r.s.life.leave()
		defer r.active.Add(-1)
		defer r.cancel()
		r.end(r.fetch(r.ctx))
	})
}

// fetch fills the blocks. What the disk does not have after all comes from the
// store.
func (r *run) fetch(ctx context.Context) error {
	blocks := r.blocks
	if r.local {
		n, err := r.load()
		if blocks = blocks[n:]; err != nil || len(blocks) == 0 {
			return err
		}
	}
	off := blocks[0].off
	length := blocks[len(blocks)-1].end() - off
	sent := time.Now()
	body, secret, err := r.s.get(ctx, r.v, off, length)
	if err != nil {
		return err
	}
	defer body.Close()
	for _, b := range blocks {
		if !r.wanted() {
			return errUnwanted
		}
		err := b.fill(body, func() {
			if !secret {
				r.keep(b)
			}
			r.remember(b)
		})
		if err != nil {
			return fmt.Errorf("read %q at %d: %w", r.v.key, b.off, err)
		}
		r.land(b)
	}
	r.s.speed.saw(length, time.Since(sent))
	return nil
}

// load fills blocks from the disk as far as it has them, and counts them.
func (r *run) load() (n int, err error) {
	for _, b := range r.blocks {
		if !r.wanted() {
			return n, errUnwanted
		}
		if r.v.disk.Read(b.index, b.buf[:b.size]) != nil {
			break // the store has it
		}
		r.remember(b)
		b.advance(b.size)
		r.land(b)
		n++
	}
	return n, nil
}

// keep offers a block to the disk.
func (r *run) keep(b *block) {
	if r.v.disk != nil && b.index >= 0 && b.hold() {
		r.v.disk.Keep(b.index, b.buf[:b.size], b.release)
	}
}

// fill reads the block from a body. It calls filled before anybody learns that the
// block is whole: who finds that it is damaged can then have it forgotten.
func (b *block) fill(body io.Reader, filled func()) error {
	for at := 0; at < b.size; {
		n, err := body.Read(b.buf[at:b.size])
		if at += n; at == b.size {
			filled()
		}
		b.advance(n)
		if err != nil && at < b.size {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// remember gives a block to the cache of whole blocks, unless its memory is to be given
// back: nobody can find it there for that.
func (r *run) remember(b *block) {
	if !b.isBorrowed() && r.v.pinned() && b.index >= 0 && b.hold() {
		if !r.s.whole.Set(r.v.id(b.index), b, bufferCost(b.size)) {
			b.release()
		}
	}
}

// land lets go of a block that is whole.
func (r *run) land(b *block) {
	r.v.mu.Lock()
	r.landed++
	r.forgetLocked(b)
	r.v.mu.Unlock()
	b.release()
}

func (r *run) forgetLocked(b *block) {
	if r.v.flying[b.index] == b {
		delete(r.v.flying, b.index)
	}
}

// end lets go of the blocks that were not filled.
func (r *run) end(err error) {
	r.v.mu.Lock()
	rest := r.blocks[r.landed:]
	r.landed = len(r.blocks)
	for _, b := range rest {
		r.forgetLocked(b)
	}
	r.v.mu.Unlock()
	for _, b := range rest {
		b.fail(err)
		b.release()
	}
}

// wanted reports that somebody but the run itself holds a block that is not
// landed. If not, none can be found any more.
func (r *run) wanted() bool {
	r.v.mu.Lock()
	defer r.v.mu.Unlock()
	rest := r.blocks[r.landed:]
	for _, b := range rest {
		if b.refs.Load() > 1 {
			return true
		}
	}
	for _, b := range rest {
		r.forgetLocked(b)
	}
	return false
}

// drop lets go of blocks, and ends the runs of which nothing is wanted any more.
func drop(bs []*block) {
	var last *run
	for _, b := range bs {
		b.release()
	}
	for _, b := range bs {
		if b.run != last {
			if last = b.run; !last.wanted() {
				last.cancel()
			}
		}
	}
}

// get opens a range of a version. secret says that the object is encrypted with a
// customer's key, so that its bytes must not be written anywhere else.
func (s *blocks) get(ctx context.Context, v *version, off, n int64) (body io.ReadCloser, secret bool, err error) {
	s.gets.Add(1)
	s.fetched.Add(n)
	sent := time.Now()
	body, info, err := s.store.Get(ctx, v.key, objstore.GetOptions{Offset: off, Length: n, IfMatch: v.etag, SSE: s.sse})
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, false, fmt.Errorf("read %q at %d: %w: %w", v.key, off, objstore.ErrPrecondition, err)
	case err != nil:
		return nil, false, fmt.Errorf("read %q at %d: %w", v.key, off, err)
	case v.pinned() && info.ETag != "" && info.ETag != v.etag:
		// The store did not keep If-Match.
		body.Close()
		return nil, false, fmt.Errorf("read %q at %d: ETag is %q instead of %q: %w", v.key, off, info.ETag, v.etag, objstore.ErrPrecondition)
	}
	s.speed.answered(time.Since(sent))
	return body, info.SSE.Mode == "c", nil
}
