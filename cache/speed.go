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
	// farParallel is the most at a store that is not near, where each connection waits a part of
	// the time, and may have a limit of its own: S3 gives one some 60 to 90 MB/s.
	farParallel = 48
	// mostAtOnce is how many GETs are of use to all streams of a mount together, at most.
	mostAtOnce = 4 * maxParallel
	// near is how soon a store answers that is in the same house, or on the same machine.
	near = 5 * time.Millisecond
)

// speed is what the line to the store gives.
type speed struct {
	// best is the rate of one connection, in bytes a second: its best of late, since
	// those that share a line, or a processor, say nothing about it. 0 while nothing is known.
	best atomic.Int64
	// wait is the least time until an answer began, of late; 0 while nothing is known.
	wait  atomic.Int64 // nanoseconds
	climb climb
}

// answered takes in how long it took until an answer began.
func (s *speed) answered(d time.Duration) {
	least := s.wait.Load()
	if least == 0 || int64(d) < least {
		least = max(1, int64(d))
	}
	s.wait.Store(least + least/64) // one of two updates at once may be lost
}

// saw takes in how long a GET took from the moment it was sent: what came later
// may have waited in the kernel, and would look faster than the line is.
func (s *speed) saw(n int64, d time.Duration) {
	if n < minRun || d <= 0 {
		return // too short to tell
	}
	rate := int64(float64(n) / d.Seconds())
	best := s.best.Load()
	s.best.Store(max(rate, best-best/8)) // as above
	if s.isNear() {
		s.climb.saw(n, time.Now(), min(s.atOnce(), maxParallel))
	}
}

func (s *speed) isNear() bool {
	wait := s.wait.Load()
	return wait > 0 && wait < int64(near)
}

// atOnce is how many GETs at once are enough, if each has the rate of one.
func (s *speed) atOnce() int64 {
	best := s.best.Load()
	if best == 0 {
		return mostAtOnce
	}
	return min(max(enough/best, minParallel), mostAtOnce)
}

// window is how many GETs each of so many streams has under way when it is at full speed,
// and how many bytes ahead of it are of use to it: its share of what fills the line, or
// the processors. More would wait in memory, and in no cache of the processor.
func (s *speed) window(streams int64) (parallel, ahead int64) {
	all, most := s.atOnce(), int64(maxParallel)
	switch {
	case s.isNear():
		all = min(all, s.climb.now())
	case s.wait.Load() > 0:
		most = farParallel
	}
	parallel = min(max(all/streams, minParallel), most)
	return parallel, min(max(all*maxRun/streams, maxRun), parallel*maxRun)
}
