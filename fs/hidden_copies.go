package fs

import (
	"context"
	"sync"
)

// hiddenCopies are the files that are read from a hidden copy of what they were:
// what is left of them when the kernel has let go is deleted then, as it throws
// the last RELEASEs away.
type hiddenCopies struct {
	mu   sync.Mutex
	live map[*fileNode]struct{}
}

func (h *hiddenCopies) add(n *fileNode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live == nil {
		h.live = map[*fileNode]struct{}{}
	}
	h.live[n] = struct{}{}
}

func (h *hiddenCopies) remove(n *fileNode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, n)
}

// settle deletes what is left.
func (h *hiddenCopies) settle(ctx context.Context) {
	h.mu.Lock()
	var left []*fileNode
	for n := range h.live {
		left = append(left, n)
	}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for _, n := range left {
		wg.Go(func() {
			if n.operation.enter(ctx) != nil {
				return
			}
			defer n.operation.leave()
			n.mu.Lock()
			n.readers, n.closing = 0, 0
			n.mu.Unlock()
			n.dropHidden()
		})
	}
	wg.Wait()
}
