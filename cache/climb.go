package cache

import (
	"sync"
	"time"
)

const (
	// step is how many times as many GETs are tried, and gain how many times as many
	// bytes these must bring: step where each has a rate of its own, 1 where they share a
	// line or the processors of this machine.
	step, gain = 4, 2
	// loss is how many times as many bytes the half of them may lack.
	loss = 1.2
	// restRounds is how many rounds pass between two trials, at first, and maxRest at
	// most: a trial that failed is not worth repeating soon.
	restRounds, maxRest = 4, 256
	// standstill is after which time without a GET that ended the rate says nothing.
	standstill = 250 * time.Millisecond
)

// climb finds the number of GETs that a stream needs at once on a line where an
// answer comes so soon that the rate of one of them does not tell: they slow each
// other down. It tries more, and fewer, and keeps what is better.
// Rates are taken in rounds, of as many bytes as are on their way at most: GETs that began
// together end together, and in a part of them there may be any number of such ends.
type climb struct {
	mu    sync.Mutex
	level int64
	trial trial
	stale bool // the round has GETs that were sent before the level changed
	up    bool // the direction of the next trial
	rest  int  // rounds until then
	pause int  // rounds between two of them
	began time.Time
	last  time.Time
	bytes int64
}

// trial is what a level is compared with; zero where there is none.
type trial struct {
	level int64
	rate  float64 // bytes a second
}

func newClimb() climb { return climb{level: minParallel, up: true, pause: restRounds} }

// now returns how many GETs a stream should have under way.
func (c *climb) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level
}

// saw takes in that a GET of n bytes has ended. wanted is how many at once would be
// of use at most.
func (c *climb) saw(n int64, at time.Time, wanted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Sub(c.last) > standstill {
		c.began, c.last, c.bytes = at, at, 0
		return
	}
	c.last = at
	under := c.level
	if c.stale {
		under = min(under, max(c.trial.level, minParallel))
	}
	if c.bytes += n; c.bytes < under*maxRun || !at.After(c.began) {
		return
	}
	rate := float64(c.bytes) / at.Sub(c.began).Seconds()
	c.began, c.bytes = at, 0
	switch {
	case c.stale:
		c.stale = false
	case c.trial.level > 0:
		c.judgeLocked(rate)
	case c.rest > 0:
		c.rest--
	default:
		c.tryLocked(rate, wanted)
	}
}

// tryLocked begins a trial, if there is any way to go.
func (c *climb) tryLocked(rate float64, wanted int64) {
	next := c.level / 2
	if c.up {
		next = min(step*c.level, wanted)
	}
	if next = max(next, minParallel); next == c.level {
		c.up = !c.up
		c.rest = c.pause
		return
	}
	c.trial = trial{level: c.level, rate: rate}
	c.level, c.stale = next, true
}

// judgeLocked ends a trial. What went well is gone on with at once.
func (c *climb) judgeLocked(rate float64) {
	before := c.trial
	c.trial = trial{}
	well := rate*loss > before.rate
	if c.up {
		well = rate > before.rate*gain
	}
	if well {
		c.pause = restRounds
		return
	}
	c.level, c.stale, c.up = before.level, true, !c.up
	c.rest, c.pause = c.pause, min(2*c.pause, maxRest)
}
