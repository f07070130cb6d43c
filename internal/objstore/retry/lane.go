package retry

import (
	"context"
	"slices"
	"sync"
)

// lane bounds the attempts under way. Its width goes down by half when the store
// throttles and up by one for each width's worth of successes (AIMD). Whoever
// waits is served in order of arrival; there are never more waiting than callers.
type lane struct {
	max int // constant

	mu      sync.Mutex
	width   float64 // 1 … max
	running int
	epoch   int // counts the narrowings
	waiting []chan struct{}
}

func newLane(width int) *lane { return &lane{max: width, width: float64(width)} }

// place is what an attempt holds while it is under way: the epoch it began in.
type place int

// enter waits for a place, or for the end of the context.
func (l *lane) enter(ctx context.Context) (place, error) {
	l.mu.Lock()
	if len(l.waiting) == 0 && l.running < int(l.width) {
		defer l.mu.Unlock()
		l.running++
		return place(l.epoch), nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		l.giveUp(turn)
		return 0, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return place(l.epoch), nil
}

// giveUp leaves the queue, or passes on the turn that came at the same moment.
func (l *lane) giveUp(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		return
	}
	l.running--
	l.callLocked()
}

// leave gives the place back and adjusts the width. A burst of refusals to
// attempts that ran side by side counts as one.
func (l *lane) leave(p place, outcome outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	switch outcome {
	case worked:
		l.width = min(float64(l.max), l.width+1/l.width)
	case throttled:
		if int(p) == l.epoch {
			l.epoch++
			l.width = max(1, l.width/2)
		}
	}
	l.callLocked()
}

func (l *lane) callLocked() {
	for len(l.waiting) > 0 && l.running < int(l.width) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.running++
	}
}

func (l *lane) widthNow() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.width)
}

// outcome is what an attempt says about the store's load.
type outcome int

const (
	worked outcome = iota
	throttled
	silent // says nothing
)
