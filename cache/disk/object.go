package disk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// segmentSize is the most of an object that is kept and removed as one.
const segmentSize = 1 << 30

// ErrAbsent says that a block is not there, or not as it should be.
var ErrAbsent = errors.New("block is not on the disk")

// Object is one version of an object. It touches the disk when it is asked for
// something.
type Object struct {
	t       *Tier
	id      [sha256.Size]byte
	size    int64
	removed bool         // by Remove; guarded by Tier.writing
	users   atomic.Int64 // the owner, the queue and calls under way; files are closed with the last

	mu       sync.Mutex
	segments map[int64]*segment
	opened   map[*segment]struct{} // those that have files open
}

// maxOpen is how many segments of an object have files open, beside those that calls under way use.
const maxOpen = 32

// Close frees the files. What is queued is written nevertheless.
func (o *Object) Close() {
	if o.users.Add(-1) > 0 {
		return
	}
	o.t.forget(o)
	for _, s := range o.withFiles() {
		s.close()
	}
}

// withFiles are the segments that have files open.
func (o *Object) withFiles() []*segment {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.opened))
}

// opens notes that a segment has files open, and closes those of others that are not needed: who
// reads a large object passes many of them.
func (o *Object) opens(s *segment) {
	for _, other := range o.passed(s) {
		other.close()
	}
}

// passed takes in a segment, and returns those that were not used for a while, and those that
// were used longest ago if there are too many.
func (o *Object) passed(s *segment) (passed []*segment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.opened) == 0 {
		o.t.remember(o)
	}
	delete(o.opened, s)
	others := slices.Collect(maps.Keys(o.opened))
	slices.SortFunc(others, func(a, b *segment) int { return cmp.Compare(b.used.Load(), a.used.Load()) })
	since := int64(o.t.clock() - touchEvery)
	for i, other := range others {
		if i >= maxOpen-1 || other.used.Load() < since {
			delete(o.opened, other)
			passed = append(passed, other)
		}
	}
	o.opened[s] = struct{}{}
	return passed
}

// at is the segment of a block, and the place of the block in it.
func (o *Object) at(index int64) (s *segment, place int64) {
	per := segmentSize / int64(o.t.cfg.Block)
	number := index / per
	o.mu.Lock()
	defer o.mu.Unlock()
	s = o.segments[number]
	if s == nil {
		s = newSegment(o, o.name(number), min(segmentSize, o.size-number*segmentSize))
		o.segments[number] = s
	}
	return s, index % per
}

// name is that of a segment's directory.
func (o *Object) name(number int64) string {
	id := o.id
	for i := range 8 { // the first one has the object's
		id[i] ^= byte(number >> (8 * i))
	}
	return hex.EncodeToString(id[:])
}

// Present reports for each block of a range whether it seems to be there.
func (o *Object) Present(from, to int64) []bool {
	o.users.Add(1)
	defer o.Close()
	there := make([]bool, to-from)
	for i := from; i < to; {
		s, place := o.at(i)
		n := min(to-i, s.blocks-place)
		s.present(place, there[i-from:][:n])
		i += n
	}
	return there
}

// Read fills p with a block, which has exactly that length. It fails with
// ErrAbsent where the block is not there or is damaged.
func (o *Object) Read(index int64, p []byte) error {
	o.users.Add(1)
	defer o.Close()
	s, place := o.at(index)
	err := s.read(place, p)
	if err == nil {
		o.t.askSeal(o)
	}
	return err
}

// Keep asks for a block to be kept: it is done later or not at all. Then done is called; until
// that p must stay as it is. Where the queue is full it waits for a moment, in a
// tenth of the time at most: a slow disk is not waited for.
func (o *Object) Keep(index int64, p []byte, done func()) {
	o.users.Add(1)
	if !o.t.offer(offer{o, index, p, done}) {
		o.t.counts.dropped.Add(1)
		o.Close()
		done()
	}
}

// File returns the whole object as a file, if every byte of it is there, was proved to
// be right, and is on the disk. The caller closes it, and must not write to it. Its Sums tell
// whether the object is what the store has.
func (o *Object) File() (*File, bool) {
	if !o.single() || o.size < o.t.cfg.Whole {
		return nil, false
	}
	o.users.Add(1)
	defer o.Close()
	f, ok := o.first().file()
	if !ok {
		o.t.askSeal(o) // once more: the queue may have been full
	}
	return f, ok
}

// single reports that the object has bytes, and one segment.
func (o *Object) single() bool { return o.size > 0 && o.size <= segmentSize }

func (o *Object) first() *segment {
	s, _ := o.at(0)
	return s
}

// Remove takes away what is there of the object, and what is queued or is being
// written. Nothing is kept of it any more, until it is opened anew.
func (o *Object) Remove() {
	o.t.writing.Lock()
	defer o.t.writing.Unlock()
	o.removed = true
	for n := int64(0); n*segmentSize < o.size; n++ {
		if err := o.t.discard(o.name(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			o.t.warn(err)
		}
	}
}
