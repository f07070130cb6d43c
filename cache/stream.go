package cache

import (
	"context"
	"slices"
)

const (
	// firstWindow is what is read ahead where a file is read from its beginning,
	// or a second read went on where the first ended, in bytes.
	firstWindow = 1 << 20
	// growth is how many times what was read in a row is read ahead at most: what
	// is fetched in vain is so bounded by what was read.
	growth = 8
	// maxBehind is what is kept behind the reader, in bytes, for requests of the
	// kernel that were overtaken by later ones; of a small share it is a quarter.
	maxBehind = 2 << 20
	// minRun and maxRun are the least and the most that a GET is for while there
	// is more to come, in bytes.
	minRun, maxRun = 1 << 20, 4 << 20
)

// stream is the blocks that are held for one trail of a reader: a range without
// gaps, of which the trail's position is one end. It is guarded by Reader.mu.
type stream struct {
	lo   int64 // index of held[0]
	held []*block
}

func (s *stream) hi() int64 { return s.lo + int64(len(s.held)) }

// get returns a block, held once more for the caller, or nil.
func (s *stream) get(index int64) *block {
	if index < s.lo || index >= s.hi() {
		return nil
	}
	b := s.held[index-s.lo]
	b.hold()
	return b
}

// done reports that there is nothing to wait for in any block.
func (s *stream) done() bool {
	for _, b := range s.held {
		if !b.whole() {
			return false
		}
	}
	return true
}

// clear lets all blocks go.
func (s *stream) clear() {
	drop(s.held)
	s.held = nil
}

// keep lets the blocks go that are outside of a range of indices.
func (s *stream) keep(from, to int64) {
	if len(s.held) == 0 {
		return
	}
	from, to = max(from, s.lo), min(to, s.hi())
	if from >= to {
		s.clear()
		return
	}
	if from == s.lo && to == s.hi() {
		return
	}
	drop(s.held[:from-s.lo])
	drop(s.held[to-s.lo:])
	s.held = slices.Clone(s.held[from-s.lo : to-s.lo])
	s.lo = from
}

// window is what a stream may hold.
type window struct {
	ahead, behind int64 // bytes
	length        int64 // blocks that a GET is for
	parallel      int64 // GETs at once
}

// windowOf sizes the window of a trail. Where the share is too small for it, those
// who hold memory for nothing are asked to give way; the next read has more.
func (r *Reader) windowOf(t *trail) window {
	streams, share := r.s.streams(), r.s.share()
	parallel, useful := r.s.speed.window(streams)
	w := window{behind: min(maxBehind, share/4), parallel: parallel}
	if w.ahead = min(max(firstWindow, growth*t.length), useful); w.ahead > share-w.behind {
		w.ahead = share - w.behind
		r.s.reclaim(r)
	}
	w.length = min(max(w.ahead/parallel, minRun), maxRun) / blockSize
	return w
}

// extendLocked reads ahead on a trail, as far as there is memory. from and to
// are the offsets of the read that is to be served.
func (r *Reader) extendLocked(ctx context.Context, s *stream, t *trail, from, to int64) {
	w := r.windowOf(t)
	s.keep(min(from, t.pos-w.behind)/blockSize, s.hi())
	if len(s.held) == 0 || s.hi() < from/blockSize && t.complete() {
		s.clear() // there was no memory for what lies between, which nobody will ask for now
		s.lo = from / blockSize
	}
	end := min(r.v.blocks(), (max(to, t.pos+w.ahead)+blockSize-1)/blockSize)
	for s.hi() < end {
		if s.hi()*blockSize >= to && (end-s.hi() < w.length && end < r.v.blocks() || r.active.Load() >= w.parallel) {
			return // not yet enough for a GET of full length, or enough under way
		}
		bs := r.fetchLocked(ctx, s.hi(), min(s.hi()+w.length, end))
		s.held = append(s.held, bs...)
		if len(bs) == 0 {
			return
		}
	}
}

// extendBackLocked is extendLocked for a trail that goes backward.
func (r *Reader) extendBackLocked(ctx context.Context, s *stream, t *trail, from, to int64) {
	w := r.windowOf(t)
	s.keep(s.lo, (t.pos+w.behind)/blockSize+1)
	if len(s.held) == 0 {
		s.lo = (to + blockSize - 1) / blockSize
	}
	start := max(0, min(from, t.first-w.ahead)) / blockSize
	length := min(w.length, minRun/blockSize) // what is needed first is the end of it
	for s.lo > start {
		if s.lo*blockSize <= from && (s.lo-start < length && start > 0 || r.active.Load() >= w.parallel) {
			return
		}
		next := max(start, s.lo-length)
		bs := r.fetchLocked(ctx, next, s.lo)
		if int64(len(bs)) < s.lo-next {
			drop(bs)
			return
		}
		s.held = append(bs, s.held...)
		s.lo = next
	}
}

// fetchLocked returns the blocks of a range, held for the caller: those that are
// there or on their way, and new ones that are asked for. It ends early where
// there is no memory.
func (r *Reader) fetchLocked(ctx context.Context, from, to int64) []*block {
	bs := r.takeBlocks(ctx, from, to)
	if int64(len(bs)) < to-from {
		r.s.reclaim(r)
		bs = append(bs, r.takeBlocks(ctx, from+int64(len(bs)), to)...)
	}
	return bs
}

func (r *Reader) takeBlocks(ctx context.Context, from, to int64) []*block {
	bs := make([]*block, 0, to-from)
	local := r.v.onDisk(from, to)
	var runs []*run
	r.v.mu.Lock()
	var cur *run
	for i := from; i < to; i++ {
		b := r.heldLocked(i)
		if b == nil {
			b = r.s.findLocked(r.v, i)
		}
		if b != nil {
			cur = nil
		} else {
			if here := local[i-from]; cur == nil || cur.local != here {
				cur = r.s.newRun(ctx, r.v, &r.active, here)
				runs = append(runs, cur)
			}
			b = cur.add(i, i*blockSize, r.v.blockLen(i))
		}
		if b == nil {
			break
		}
		bs = append(bs, b)
	}
	r.v.mu.Unlock()
	for _, run := range runs {
		run.start()
	}
	return bs
}
