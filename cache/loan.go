package cache

import "io"

// Loan is what a read returned: bytes that lie where they were found, in blocks
// of the cache or in the buffer of the caller. They stay as they are until Return,
// so nothing need be copied on the way to the kernel.
type Loan struct {
	s      *blocks
	parts  [][]byte // in order
	blocks []*block // held
	n      int      // bytes
}

// Len is how many bytes were read.
func (l *Loan) Len() int { return l.n }

// Parts are the bytes, in order.
func (l *Loan) Parts() [][]byte { return l.parts }

// CopyTo copies the bytes into p, the caller's buffer of the same read included.
func (l *Loan) CopyTo(p []byte) int {
	at := 0
	for _, part := range l.parts {
		if at < len(p) && len(part) > 0 && &p[at] == &part[0] {
			at += len(part)
			continue
		}
		at += copy(p[at:], part)
	}
	return at
}

// Return gives the bytes back. It may be called again.
func (l *Loan) Return() {
	for _, b := range l.blocks {
		b.release()
	}
	l.blocks, l.parts = nil, nil
	if l.s != nil {
		l.s.life.leave()
		l.s = nil
	}
}

// add takes n bytes more over, of the memory of a block or of the caller.
func (l *Loan) add(part []byte) {
	if len(part) == 0 {
		return
	}
	l.parts = append(l.parts, part)
	l.n += len(part)
}

// end is the error of a read that was asked for so many bytes.
func (l *Loan) end(asked int) error {
	if l.n < asked {
		return io.EOF
	}
	return nil
}
