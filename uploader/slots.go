package uploader

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// lineRate is what the parts in flight are meant to fill, in bytes a second: 10 Gbit/s.
	lineRate = 1.25e9
	// fewestSlots keeps a fast store busy while one part is being checksummed and
	// another is waiting for its answer.
	fewestSlots = 4
	// rateDecay lets the best rate seen fade, by 1 % a part, so that a store that
	// became slower gets more connections.
	rateDecay = 0.99
	// telling is the smallest part whose time says something about bandwidth.
	telling = 1 << 20
)

// slots bound the parts in flight. How many there are follows from what one
// connection gives: a store that takes 100 MB/s on each needs 13 to fill the
// line, one on the same machine needs few, and would only make the buffers, and
// the time to fill them, larger with more.
type slots struct {
	most int

	mu      sync.Mutex
	limit   int
	busy    int
	best    float64 // bytes a second of one part
	waiting []chan struct{}
	crowd   chan struct{} // closed and replaced when there is less waiting
}

func newSlots(most int) *slots {
	return &slots{most: most, limit: min(fewestSlots, most), crowd: make(chan struct{})}
}

// acquire waits for a slot, in the order of arrival, or for the end of ctx.
func (s *slots) acquire(ctx context.Context) error {
	s.mu.Lock()
	if s.busy < s.limit && len(s.waiting) == 0 {
		s.busy++
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		s.busy-- // its turn came in the same moment
	}
	s.admitLocked()
	return ctx.Err()
}

// release gives a slot back, and tells how long how many bytes took; zero bytes
// tell nothing.
func (s *slots) release(n int64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= telling && took > 0 {
		s.best = max(s.best*rateDecay, float64(n)/took.Seconds())
		s.limit = min(max(int(lineRate/s.best)+1, fewestSlots), s.most)
	}
	s.busy--
	s.admitLocked()
}

func (s *slots) admitLocked() {
	for s.busy < s.limit && len(s.waiting) > 0 {
		s.busy++
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
	close(s.crowd)
	s.crowd = make(chan struct{})
}

// crowded returns nil while there is room for another part to wait, and
// otherwise a channel that is closed when that may have changed. A stream that
// is ahead of the store gains nothing from getting further ahead: what waits is to
// keep the slots busy that come free until a writer has filled another cell.
func (s *slots) crowded() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) < max(1, s.limit/4) {
		return nil
	}
	return s.crowd
}
