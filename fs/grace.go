package fs

import "sync"

// grace knows when every request that was running at some moment has ended.
//
// go-fuse adds the node that a Lookup returned to its tables only after the
// Lookup has returned, and can forget it in between. So a node that was
// forgotten is dropped from our tree after a grace: once no request that may
// have got hold of it is still running.
type grace struct {
	mu      sync.Mutex
	epoch   uint64
	running map[uint64]int // requests under way, by the epoch in which they began
	waiting []graceWaiter  // by ascending epoch
}

type graceWaiter struct {
	epoch uint64
	then  func()
}

// enter begins a request that may hand out nodes; leave ends it.
func (g *grace) enter() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil {
		g.running = map[uint64]int{}
	}
	g.running[g.epoch]++
	return g.epoch
}

func (g *grace) leave(epoch uint64) {
	g.mu.Lock()
	if g.running[epoch]--; g.running[epoch] == 0 {
		delete(g.running, epoch)
	}
	due := g.dueLocked()
	g.mu.Unlock()
	for _, w := range due {
		w.then()
	}
}

// after calls then once every request that is running now has left: at once if
// there is none, else from the goroutine of the last of them.
func (g *grace) after(then func()) {
	g.mu.Lock()
	g.waiting = append(g.waiting, graceWaiter{g.epoch, then})
	g.epoch++
	due := g.dueLocked()
	g.mu.Unlock()
	for _, w := range due {
		w.then()
	}
}

func (g *grace) dueLocked() []graceWaiter {
	if len(g.waiting) == 0 {
		return nil
	}
	oldest := g.epoch
	for epoch := range g.running {
		oldest = min(oldest, epoch)
	}
	n := 0
	for n < len(g.waiting) && g.waiting[n].epoch < oldest {
		n++
	}
	due := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return due
}
