package cache

import (
	"sync/atomic"
	"time"
)

const (
	// enough is the rate, in bytes a second, at which there is nothing to be
	// gained by more connections: what a mount can hand over on one core.
	enough = 3 << 30
	// A stream has at least minParallel GETs under way, so that the next ones are
	// there when one ends, and at most maxParallel. More than are needed cost CPU
	// time: what is read ahead does not stay in the processor's cache.
	minParallel, maxParallel = 3, 24
)

// speed is what one connection to the store gives: its best of late, since
// those that share a line, or a processor, say nothing about it.
type speed struct {
	best atomic.Int64 // bytes a second; 0 while nothing is known
}

// saw takes in how long a GET took from the moment it was sent: what came later
// may have waited in the kernel, and would look faster than the line is.
func (s *speed) saw(n int64, d time.Duration) {
	if n < minRun || d <= 0 {
		return // too short to tell
	}
	rate := int64(float64(n) / d.Seconds())
	best := s.best.Load()
	s.best.Store(max(rate, best-best/8)) // one of two updates at once may be lost
}

// parallel is how many GETs a stream has under way when it is at full speed.
func (s *speed) parallel() int64 {
	best := s.best.Load()
	if best == 0 {
		return maxParallel
	}
	return min(max(enough/best, minParallel), maxParallel)
}
