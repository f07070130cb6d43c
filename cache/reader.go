package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/cache/disk"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Reader reads one version of an object: the one with the ETag and size that it
// was opened with. It never mixes versions. All methods may be called from any
// number of goroutines.
type Reader struct {
	s    *blocks
	v    *version
	want objstore.Digest // of the whole object, where there is one to compare with

	active atomic.Int64 // runs under way that this reader began

	mu       sync.Mutex
	closed   bool
	lastRead time.Time
	pattern  pattern
	streams  [maxTrails]stream // of the pattern's trails
	pieces   pieces
	check    *check     // nil where there is nothing to check, or it is done
	damaged  error      // what check found
	holding  int        // streams that hold blocks
	local    *localFile // the whole object on the disk, once it was found there
}

// Open returns a reader of the object as info describes it; of it, Key, ETag,
// Size and Checksum are used. It asks for nothing yet. Without an ETag what is read is
// not kept for others, and a change of the object cannot be noticed.
func (c *Cache) Open(info objstore.Info) *Reader {
	r := &Reader{s: c.blocks, v: c.blocks.use(info.Key, info.ETag, info.Size), check: newCheck(info.Checksum)}
	if r.check != nil {
		r.want = info.Checksum
	}
	return r
}

// Size is the size of the version that is read, in bytes.
func (r *Reader) Size() int64 { return r.v.size }

// ReadAt fills p from the offset on. As io.ReaderAt says, less comes only with
// an error, which is io.EOF at the end of the object. An object that has been
// replaced or deleted is objstore.ErrPrecondition; other errors are those of the
// store, of ctx, which ends only the wait unless the read is a random one, or
// ErrClosed. If the whole object was read in order, and the store has a checksum
// of it that does not agree, the read of the end and all later ones are ErrDamaged.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	loan, err := r.Lend(ctx, p, off)
	n := loan.CopyTo(p)
	loan.Return()
	return n, err
}

// Lend is ReadAt without the copy: bytes that the cache holds are lent, and only
// those that come straight from the store are in p. The loan is to be returned,
// also where there is an error.
func (r *Reader) Lend(ctx context.Context, p []byte, off int64) (*Loan, error) {
	loan := &Loan{}
	if off < 0 {
		return loan, fmt.Errorf("read %q at %d: %w", r.v.key, off, objstore.ErrRange)
	}
	if off >= r.v.size {
		return loan, io.EOF
	}
	if err := r.s.life.enter(); err != nil {
		return loan, err
	}
	loan.s = r.s
	n := min(int64(len(p)), r.v.size-off)
	if n == 0 {
		return loan, nil
	}
	if r.lendFile(loan, p[:n], off) || r.lendProved(loan, p[:n], off) {
		return loan, loan.end(len(p))
	}
	bs, err := r.plan(ctx, off, n)
	if err != nil {
		return loan, err
	}
	for _, b := range bs {
		if b != nil {
			loan.blocks = append(loan.blocks, b)
		}
	}
	err = r.serve(ctx, loan, p[:n], off)
	r.s.served.Add(int64(loan.n))
	if err != nil {
		return loan, err
	}
	if off+n == r.v.size {
		err = r.finish(ctx)
	}
	if r.v.size-(off+n) <= max(nearOld, nearNew*n) { // it may be the one that was overtaken
		r.settle()
	}
	if err != nil {
		return loan, err
	}
	return loan, loan.end(len(p))
}

// lendFile reads from the object's file on the disk, if all of it is there, and
// reports that it did. Where that fails, the store has the bytes.
func (r *Reader) lendFile(loan *Loan, p []byte, off int64) bool {
	l := r.wholeFile(off)
	if l == nil {
		return false
	}
	defer l.release()
	if _, err := l.file.ReadAt(p, off); err != nil || !l.file.Sound() {
		r.dropFile(l)
		return false
	}
	loan.add(p)
	r.s.served.Add(int64(len(p)))
	return true
}

// wholeFile returns the object's file, held for the caller, or nil. It is looked for
// whenever the beginning is read. What does not agree with the store's checksum is
// read by blocks, so that its reader is told.
func (r *Reader) wholeFile(off int64) *localFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.damaged != nil {
		return nil
	}
	if r.local == nil && off == 0 {
		if f, ok := r.file(); ok {
			r.local = newLocalFile(f)
		}
	}
	if r.local != nil {
		r.lastRead = r.s.now()
		r.local.refs.Add(1)
	}
	return r.local
}

// dropFile goes on without a file that cannot be read, or that somebody wrote to.
func (r *Reader) dropFile(l *localFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.local == l {
		r.local = nil
		l.release()
	}
}

// lendProved reads whole blocks from the disk into p, each of which it holds against its
// checksum there, and reports that it did. That spares them the way through the blocks
// in memory, which is twice as long. The first pass of a reader over a file that an
// earlier mount has kept is such reads; after it there is the file (wholeFile).
func (r *Reader) lendProved(loan *Loan, p []byte, off int64) bool {
	from, to := off/blockSize, (off+int64(len(p))+blockSize-1)/blockSize
	if !r.provable(off, int64(len(p))) {
		return false
	}
	for i := from; i < to; i++ {
		at := i*blockSize - off
		if r.v.disk.Read(i, p[at:][:r.v.blockLen(i)]) != nil {
			return false
		}
	}
	loan.add(p)
	r.s.served.Add(int64(len(p)))
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, i, begun := r.pattern.observe(off, int64(len(p))); begun {
		r.streams[i].clear()
		r.countLocked()
	}
	return true
}

// provable reports that a range is of whole blocks that the disk seems to have, and
// that nothing else is to be done with them: what has a checksum as a whole is
// compared with it in the streams, and so is the rest of what a stream has begun.
func (r *Reader) provable(off, n int64) bool {
	if r.v.disk == nil || off%blockSize != 0 || n%blockSize != 0 && off+n != r.v.size || !r.v.allOnDisk(off, n) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.damaged != nil || r.check != nil {
		return false
	}
	if b := r.heldLocked(off / blockSize); b != nil {
		b.release()
		return false
	}
	r.lastRead = r.s.now()
	return true
}

// settle lets go of what was read up to the end, but for what a read that was
// overtaken is yet to ask for: a file that stays open after it was read holds
// nothing, and takes no share from others.
func (r *Reader) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.streams {
		s, t := &r.streams[i], &r.pattern.trails[i]
		if t.pos >= r.v.size && t.complete() && s.hi() == r.v.blocks() && s.done() {
			r.checkLocked() // now: one of them may have become whole a moment ago
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
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.damaged != nil:
		return nil, r.damaged
	}
	r.lastRead = r.s.now()
	r.checkLocked()
	kind, i, begun := r.pattern.observe(off, n)
	if begun {
		r.streams[i].clear()
	}
	s, t := &r.streams[i], &r.pattern.trails[i]
	defer r.countLocked()
	switch {
	case kind == forward || r.v.size <= blockSize:
		from := off
		if begun {
			from = t.first // what was overtaken will be asked for, too
		}
		r.extendLocked(ctx, s, t, from, off+n)
	case kind == backward:
		r.extendBackLocked(ctx, s, t, off, off+n)
	case kind == strided && !r.v.allOnDisk(off, n):
		if b := r.pieces.next(ctx, r, off, n, r.pattern.step); b != nil {
			return []*block{b}, nil
		}
	case r.pattern.steps == 0:
		r.pieces.clear()
	}
	return r.blocksLocked(ctx, off, n), nil
}

// blocksLocked returns the blocks of a range that are there, on the disk or on
// their way, held for the caller; nil stands for the others.
func (r *Reader) blocksLocked(ctx context.Context, off, n int64) []*block {
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
		r.loadLocked(ctx, from, bs)
	}
	return bs
}

// loadLocked puts blocks that the disk has where there is none.
func (r *Reader) loadLocked(ctx context.Context, from int64, bs []*block) {
	if r.v.disk == nil {
		return
	}
	for i, there := range r.v.onDisk(from, from+int64(len(bs))) {
		if index := from + int64(i); there && bs[i] == nil {
			if got := r.takeBlocks(ctx, index, index+1); len(got) == 1 {
				bs[i] = got[0]
			}
		}
	}
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

// serve lends from the blocks that the loan holds, and asks for what is not in them.
func (r *Reader) serve(ctx context.Context, loan *Loan, p []byte, off int64) error {
	end := off + int64(len(p))
	for at := off; at < end; at = off + int64(loan.n) {
		b, next := blockAt(loan.blocks, at, end)
		if b == nil {
			n, err := r.direct(ctx, p[at-off:next-off], at)
			loan.add(p[at-off:][:n])
			if err != nil {
				return err
			}
			continue
		}
		part := b.buf[at-b.off : min(end, b.end())-b.off]
		if err := b.wait(ctx, int(at-b.off)+len(part)); err != nil {
			if ctx.Err() != nil || errors.Is(err, objstore.ErrPrecondition) {
				return err
			}
			// What was read ahead failed, some time ago perhaps: this read has an
			// attempt of its own.
			n, err := r.direct(ctx, p[at-off:], at)
			loan.add(p[at-off:][:n])
			return err
		}
		loan.add(part)
	}
	return nil
}

// blockAt finds the block that has an offset. If there is none, it tells where
// the next one begins, or end.
func blockAt(bs []*block, at, end int64) (b *block, next int64) {
	next = end
	for _, b := range bs {
		if b.off <= at && at < b.end() {
			return b, b.off
		}
		if b.off > at {
			next = min(next, b.off)
		}
	}
	return nil, next
}

// direct reads from the store into p.
func (r *Reader) direct(ctx context.Context, p []byte, off int64) (int, error) {
	ctx, cancel := r.s.life.bind(ctx)
	defer cancel()
	body, _, err := r.s.get(ctx, r.v, off, int64(len(p)))
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

// File returns the object as a file of the local disk, if all of it is there and
// was found to be right: every block by its own checksum, and where the store has one
// of the whole object, that too. The caller closes it, and must not write to it.
func (r *Reader) File() (*os.File, bool) {
	f, ok := r.file()
	if !ok {
		return nil, false
	}
	return f.File, true
}

func (r *Reader) file() (*disk.File, bool) {
	if r.v.disk == nil {
		return nil, false
	}
	f, ok := r.v.disk.File()
	if ok && !agree(f.Sums, r.want) {
		f.Close()
		return nil, false
	}
	return f, ok
}

// agree reports that the checksums of a file on the disk are not other ones than the store's.
func agree(have disk.Sums, want objstore.Digest) bool {
	switch want.Algorithm {
	case objstore.CRC64NVME:
		return string(binary.BigEndian.AppendUint64(nil, have.CRC64NVME)) == string(want.Sum)
	case objstore.CRC32C:
		return string(binary.BigEndian.AppendUint32(nil, have.CRC32C)) == string(want.Sum)
	}
	return true
}

// SmallFile is up to which size, in bytes, Prefetch fetches.
const SmallFile = blockSize

// Prefetch asks for the whole of a small object at once, and does not wait for it. It
// is for the first to come, before anything was read.
func (r *Reader) Prefetch(ctx context.Context) {
	if r.v.size == 0 || r.v.size > SmallFile || r.s.life.enter() != nil {
		return
	}
	defer r.s.life.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	i := r.pattern.announce(r.v.size)
	r.checkLocked()
	r.extendLocked(ctx, &r.streams[i], &r.pattern.trails[i], 0, r.v.size)
	r.countLocked()
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
	if r.local != nil {
		r.local.release()
		r.local = nil
	}
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
	r.checkLocked()
	for i := range r.streams {
		r.streams[i].clear()
	}
	r.pieces.clear()
	r.countLocked()
}
