package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Reader reads one version of an object: the one with the ETag and size that it
// was opened with. It never mixes versions. All methods may be called from any
// number of goroutines.
type Reader struct {
	s *blocks
	v *version

	active atomic.Int64 // runs under way that this reader began

	mu       sync.Mutex
	closed   bool
	lastRead time.Time
	pattern  pattern
	streams  [maxTrails]stream // of the pattern's trails
	pieces   pieces
	holding  int // streams that hold blocks
}

// Open returns a reader of the object as info describes it; of it, Key, ETag
// and Size are used. It asks for nothing yet. Without an ETag what is read is
// not kept for others, and a change of the object cannot be noticed.
func (c *Cache) Open(info objstore.Info) *Reader {
	return &Reader{s: c.blocks, v: c.blocks.use(info.Key, info.ETag, info.Size)}
}

// Size is the size of the version that is read, in bytes.
func (r *Reader) Size() int64 { return r.v.size }

// ReadAt fills p from the offset on. As io.ReaderAt says, less comes only with
// an error, which is io.EOF at the end of the object. An object that has been
// replaced or deleted is objstore.ErrPrecondition; other errors are those of the
// store, of ctx, which ends only the wait unless the read is a random one, or
// ErrClosed.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %q at %d: %w", r.v.key, off, objstore.ErrRange)
	}
	if off >= r.v.size {
		return 0, io.EOF
	}
	if err := r.s.life.enter(); err != nil {
		return 0, err
	}
	defer r.s.life.leave()
	n := int(min(int64(len(p)), r.v.size-off))
	if n == 0 {
		return 0, nil
	}
	bs, err := r.plan(ctx, off, int64(n))
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, b := range bs {
			if b != nil {
				b.release()
			}
		}
	}()
	n, err = r.serve(ctx, p[:n], off, bs)
	r.s.served.Add(int64(n))
	if err != nil {
		return n, err
	}
	if off+int64(n) == r.v.size {
		r.settle()
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// settle lets go of what was read up to the end: a file that stays open after
// it was read holds nothing, and takes no share from others.
func (r *Reader) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.streams {
		if s := &r.streams[i]; r.pattern.trails[i].pos >= r.v.size && s.hi() == r.v.blocks() && s.done() {
			s.clear()
		}
	}
	r.countLocked()
}

// plan notes the read, reads ahead and returns what there is for it, held for
// the caller, in ascending order; nil stands for a block that is not there.
func (r *Reader) plan(ctx context.Context, off, n int64) ([]*block, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	r.lastRead = r.s.now()
	kind, i, begun := r.pattern.observe(off, n)
	if begun {
		r.streams[i].clear()
	}
	s, t := &r.streams[i], &r.pattern.trails[i]
	defer r.countLocked()
	switch {
	case kind == forward || r.v.size <= blockSize:
		r.extendLocked(ctx, s, t, off, off+n)
	case kind == backward:
		r.extendBackLocked(ctx, s, t, off, off+n)
	case kind == strided:
		if b := r.pieces.next(ctx, r, off, n, r.pattern.step); b != nil {
			return []*block{b}, nil
		}
	case r.pattern.steps == 0:
		r.pieces.clear()
	}
	return r.blocksLocked(off, n), nil
}

// blocksLocked returns the blocks of a range that are there or on their way,
// held for the caller; nil stands for the others.
func (r *Reader) blocksLocked(off, n int64) []*block {
	from, to := off/blockSize, (off+n+blockSize-1)/blockSize
	bs := make([]*block, 0, to-from)
	missing := false
	for index := from; index < to; index++ {
		b := r.heldLocked(index)
		missing = missing || b == nil
		bs = append(bs, b)
	}
	if missing {
		for i, b := range r.s.find(r.v, from, to) {
			if bs[i] == nil {
				bs[i] = b
			} else if b != nil {
				b.release()
			}
		}
	}
	return bs
}

// heldLocked is a block that one of the streams holds, or nil.
func (r *Reader) heldLocked(index int64) *block {
	for i := range r.streams {
		if b := r.streams[i].get(index); b != nil {
			return b
		}
	}
	return nil
}

// countLocked tells the others for how many streams this reader holds blocks.
func (r *Reader) countLocked() {
	n := 0
	for i := range r.streams {
		if len(r.streams[i].held) > 0 {
			n++
		}
	}
	if len(r.pieces.held) > 0 {
		n++
	}
	if n == r.holding {
		return
	}
	r.s.windows.Add(int64(n - r.holding))
	if n == 0 || r.holding == 0 {
		r.s.holds(r, n > 0)
	}
	r.holding = n
}

// serve copies from the blocks, and asks for what is not in them.
func (r *Reader) serve(ctx context.Context, p []byte, off int64, bs []*block) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		var b *block
		if i := firstAt(bs, at); i >= 0 {
			b = bs[i]
		}
		if b == nil {
			end := gapEnd(bs, at, off+int64(len(p)))
			n, err := r.direct(ctx, p[done:end-off], at)
			if done += n; err != nil {
				return done, err
			}
			continue
		}
		part := p[done:min(int64(len(p)), b.end()-off)]
		in := int(at - b.off)
		if err := b.wait(ctx, in+len(part)); err != nil {
			if ctx.Err() != nil || errors.Is(err, objstore.ErrPrecondition) {
				return done, err
			}
			// What was read ahead failed, some time ago perhaps: this read has an
			// attempt of its own.
			n, err := r.direct(ctx, p[done:], at)
			return done + n, err
		}
		done += copy(part, b.buf[in:])
	}
	return done, nil
}

// firstAt finds the block that has an offset, or -1.
func firstAt(bs []*block, at int64) int {
	for i, b := range bs {
		if b != nil && b.off <= at && at < b.end() {
			return i
		}
	}
	return -1
}

// gapEnd is where the next block begins, or end.
func gapEnd(bs []*block, at, end int64) int64 {
	for _, b := range bs {
		if b != nil && b.off > at {
			end = min(end, b.off)
		}
	}
	return end
}

// direct reads from the store into p.
func (r *Reader) direct(ctx context.Context, p []byte, off int64) (int, error) {
	ctx, cancel := r.s.life.bind(ctx)
	defer cancel()
	body, err := r.s.get(ctx, r.v, off, int64(len(p)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.ReadFull(body, p)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, fmt.Errorf("read %q at %d: %w", r.v.key, off+int64(n), err)
	}
	return n, nil
}

// Close lets go of what was read ahead. Reads under way go on; later ones fail
// with ErrClosed. It may be called again.
func (r *Reader) Close() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.closed = true
	r.letGoLocked()
	r.mu.Unlock()
	r.s.unuse(r.v)
}

func (r *Reader) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letGoLocked()
}

// letGoLocked lets go of all blocks.
func (r *Reader) letGoLocked() {
	for i := range r.streams {
		r.streams[i].clear()
	}
	r.pieces.clear()
	r.countLocked()
}
