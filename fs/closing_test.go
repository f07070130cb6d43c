package fs

import "testing"

// TestReadersClosed has a name taken away between the close of a file and its RELEASE.
func TestReadersClosed(t *testing.T) {
	n := &fileNode{readers: 2}
	first, second := &readHandle{node: n}, &readHandle{node: n}
	released := make(chan struct{})
	for _, h := range []*readHandle{first, second} {
		h.Flush(t.Context())
		h.Flush(t.Context()) // of another descriptor
	}
	go func() {
		defer close(released)
		for _, h := range []*readHandle{first, second} {
			n.mu.Lock()
			h.endLocked()
			n.mu.Unlock()
		}
	}()
	n.readersClosed(t.Context())
	n.mu.Lock()
	left := n.readers
	n.mu.Unlock()
	if left != 0 {
		t.Errorf("%d readers are left, who have closed the file", left)
	}
	<-released
	if n.closing != 0 || n.unread != nil {
		t.Errorf("closing %d, unread %v", n.closing, n.unread)
	}
}

// TestReadersOpen does not wait for who has not closed the file.
func TestReadersOpen(t *testing.T) {
	n := &fileNode{readers: 2}
	h := &readHandle{node: n}
	h.Flush(t.Context())
	n.readersClosed(t.Context())
	if n.unread != nil {
		t.Error("somebody has waited")
	}
}
