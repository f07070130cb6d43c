package fs

import (
	"context"
	"sync"
)

// gate is a mutex that may be held across requests, so that waiting for it can
// end with a context. The zero gate is open.
type gate struct {
	mu   sync.Mutex
	held bool
	next chan struct{} // closed when the holder leaves; nil while nobody waits
}

// enter waits until the gate is free.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		if !g.held {
			g.held = true
			g.mu.Unlock()
			return nil
		}
		if g.next == nil {
			g.next = make(chan struct{})
		}
		next := g.next
		g.mu.Unlock()
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryEnter takes the gate if it is free.
func (g *gate) tryEnter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	free := !g.held
	g.held = true
	return free
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	if g.next != nil {
		close(g.next)
		g.next = nil
	}
}
