package fs

import (
	"context"
	"time"
)

// closingTime is how long who takes a file's name away waits for the RELEASE of those
// who have closed it. It was sent before, so that only the scheduler stands in between.
// Who closed one of several descriptors, or a file that is mapped, costs all of it.
const closingTime = 50 * time.Millisecond

// readersClosed waits until the node has no reader any more, if each of them was
// closed. close(2) does not wait for the RELEASE, so who closes a file and then unlinks
// it, or renames another over it, as rsync does with the file that it has compared, may
// be seen to have it open, and its content would be copied for nobody. The operation
// gate is held, which the RELEASE of a reader needs only for a file that was deleted.
func (n *fileNode) readersClosed(ctx context.Context) {
	n.mu.Lock()
	if n.readers == 0 || n.closing < n.readers {
		n.mu.Unlock()
		return
	}
	if n.unread == nil {
		n.unread = make(chan struct{})
	}
	unread := n.unread
	n.mu.Unlock()
	timer := time.NewTimer(closingTime)
	defer timer.Stop()
	select {
	case <-unread:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// closed is told of each close of a descriptor of the handle.
func (h *readHandle) closed() {
	n := h.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if !h.closing {
		h.closing = true
		n.closing++
	}
}

// endLocked takes the handle away from the node's readers.
func (h *readHandle) endLocked() {
	n := h.node
	n.readers--
	if h.closing {
		n.closing--
	}
	if n.readers == 0 && n.unread != nil {
		close(n.unread)
		n.unread = nil
	}
}
