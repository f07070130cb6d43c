package s3server

import "sync"

// tailSize bounds what is kept of a server's output: enough for its last words.
const tailSize = 32 << 10 // bytes

// tail is a writer that keeps the last tailSize bytes written to it. Its methods
// may be called concurrently.
type tail struct {
	mu  sync.Mutex
	buf []byte // at most 2*tailSize, so that bytes are moved once per tailSize written
}

// Write keeps a copy of p, or of its end.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	p = p[max(0, n-tailSize):]
	if len(t.buf)+len(p) > 2*tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// String returns the last tailSize bytes written, or all when they were fewer.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf[max(0, len(t.buf)-tailSize):])
}
