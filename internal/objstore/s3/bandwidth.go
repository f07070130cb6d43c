package s3

import (
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bandwidth bounds what all requests of a client move together, in bytes per
// second on the line, headers and TLS included. 0 is no bound.
type Bandwidth struct {
	Up, Down int64
}

// limits are the token buckets of a client. Its zero value limits nothing.
type limits struct {
	up, down *bucket
}

func newLimits(b Bandwidth) limits { return limits{newBucket(b.Up), newBucket(b.Down)} }

// bucket is one of them. A connection moves at most piece bytes between two visits,
// so that many of them share the line evenly.
type bucket struct {
	tokens *rate.Limiter
	piece  int
}

// The pieces are what goes through in 20 ms, within bounds: small enough that
// nobody waits long for his turn, large enough that the system calls do not count.
const (
	minPiece = 1 << 10
	maxPiece = 64 << 10
	perPiece = 50 // pieces a second
)

func newBucket(bytesPerSecond int64) *bucket {
	if bytesPerSecond <= 0 {
		return nil
	}
	share := max(bytesPerSecond/perPiece, minPiece)
	// What was not used is not made up for, but for the little that timers are late.
	return &bucket{tokens: rate.NewLimiter(rate.Limit(bytesPerSecond), int(share)), piece: int(min(share, maxPiece))}
}

// on returns a connection that keeps to the limits.
func (l limits) on(c net.Conn) net.Conn {
	if l.up == nil && l.down == nil {
		return c
	}
	return &limited{Conn: c, up: l.up, down: l.down, reading: newAlarm(), writing: newAlarm()}
}

// limited is a connection that waits for its share of the line. Deadlines and Close
// end the wait as they end the operation itself.
type limited struct {
	net.Conn
	up, down         *bucket
	reading, writing *alarm
}

// Read pays for what came before it takes more: the store's side waits meanwhile.
func (l *limited) Read(p []byte) (int, error) {
	if l.down == nil {
		return l.Conn.Read(p)
	}
	n, err := l.Conn.Read(p[:min(len(p), l.down.piece)])
	if n > 0 {
		if paid := l.reading.wait(l.down, n); paid != nil && err == nil {
			err = paid
		}
	}
	return n, err
}

// Write pays for each piece before it is sent.
func (l *limited) Write(p []byte) (int, error) {
	if l.up == nil {
		return l.Conn.Write(p)
	}
	written := 0
	for {
		piece := p[written:min(len(p), written+l.up.piece)]
		if err := l.writing.wait(l.up, len(piece)); err != nil {
			return written, err
		}
		n, err := l.Conn.Write(piece)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// SetReadDeadline implements net.Conn.
func (l *limited) SetReadDeadline(t time.Time) error {
	l.reading.set(t)
	return l.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (l *limited) SetWriteDeadline(t time.Time) error {
	l.writing.set(t)
	return l.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (l *limited) SetDeadline(t time.Time) error {
	l.reading.set(t)
	l.writing.set(t)
	return l.Conn.SetDeadline(t)
}

// Close implements net.Conn.
func (l *limited) Close() error {
	l.reading.close()
	l.writing.close()
	return l.Conn.Close()
}

// alarm is the deadline of one direction of a connection, which also ends waits that
// had begun before it was set.
type alarm struct {
	mu       sync.Mutex
	deadline time.Time     // zero is none
	changed  chan struct{} // closed and replaced when the deadline is set; closed for good by close
	closed   bool
}

func newAlarm() *alarm { return &alarm{changed: make(chan struct{})} }

func (a *alarm) set(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.deadline.Equal(t) {
		return
	}
	a.deadline = t
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *alarm) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		close(a.changed)
	}
}

// wait takes n tokens, which are no more than a piece, and returns when their time
// has come.
func (a *alarm) wait(b *bucket, n int) error {
	r := b.tokens.ReserveN(time.Now(), n)
	due := time.Now().Add(r.Delay())
	for {
		a.mu.Lock()
		deadline, changed, closed := a.deadline, a.changed, a.closed
		a.mu.Unlock()
		until := due
		if late := !deadline.IsZero() && deadline.Before(due); closed || late && !deadline.After(time.Now()) {
			r.Cancel()
			if closed {
				return net.ErrClosed
			}
			return os.ErrDeadlineExceeded
		} else if late {
			until = deadline
		}
		pause := time.Until(until)
		if pause <= 0 {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		}
	}
}
