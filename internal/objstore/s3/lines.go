package s3

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// lines are connections for requests without a body, of which each goroutine sends
// its own and reads the answer itself.
//
// net/http has two goroutines for each connection, one that writes and one that
// reads. A request is handed to the one and its answer comes from the other, and each
// time a thread has to be woken: a third of what a read of 64 KiB takes on a line
// without latency.
type lines struct {
	plain, secure func(ctx context.Context, network, addr string) (net.Conn, error)
	keep          int // idle ones to one host

	mu     sync.Mutex
	idle   map[lineTo][]*line // the one that was used last is the last
	sweep  *time.Timer        // closes those that are idle for too long; nil while there are none
	closed bool
}

// lineTo is where a connection leads.
type lineTo struct{ scheme, host string }

// line is a connection that is used by one goroutine at a time, or idle.
type line struct {
	net.Conn
	to    lineTo
	r     *bufio.Reader // of the line itself
	w     []byte        // the request, and room for the next one
	head  int           // bytes that may yet come of the head of an answer; -1 behind it
	used  bool          // a request was answered on it
	since time.Time     // when it became idle
}

// idleTime is how long a connection is kept that nobody needs: stores close them after
// 30 to 60 s.
const idleTime = 25 * time.Second

const (
	lineRead = 16 << 10 // listings; a large Read passes it by
	// maxHead bounds the head of an answer, which is held in memory. S3 has 8 KiB.
	maxHead = 1 << 20
)

func newLines(d *dialer, keep int) *lines {
	return &lines{plain: d.plain, secure: d.secure, keep: keep, idle: map[lineTo][]*line{}}
}

// errUnheard says that a connection ended before anything of an answer came.
var errUnheard = errors.New("the connection ended without an answer")

// errLongHead says that the head of an answer does not end.
var errLongHead = errors.New("the headers of the answer do not end")

// Read implements io.Reader.
func (c *line) Read(p []byte) (int, error) {
	if c.head < 0 {
		return c.Conn.Read(p)
	}
	if c.head == 0 {
		return 0, errLongHead
	}
	n, err := c.Conn.Read(p[:min(len(p), c.head)])
	c.head -= n
	return n, err
}

// roundTrip sends a request that has no body. reached is called when there is a
// connection. A connection that the store has closed while it was idle is replaced.
func (l *lines) roundTrip(req *http.Request, reached func()) (*http.Response, error) {
	for {
		if err := req.Context().Err(); err != nil {
			return nil, err // an answer could be faster than the end of the context
		}
		c, err := l.take(req)
		if err != nil {
			return nil, err
		}
		reached()
		used := c.used
		resp, err := l.ask(c, req)
		if err == nil {
			return resp, nil
		}
		if !used || !errors.Is(err, errUnheard) {
			return nil, err
		}
	}
}

// ask sends a request and returns the answer, whose body gives the connection back.
func (l *lines) ask(c *line, req *http.Request) (*http.Response, error) {
	stop := context.AfterFunc(req.Context(), func() { c.SetDeadline(time.Unix(1, 0)) })
	resp, err := c.exchange(req)
	if err != nil {
		stop()
		c.Close()
		if ended := req.Context().Err(); ended != nil {
			err = ended
		}
		return nil, err
	}
	end := func(whole bool) {
		if !stop() || !whole || resp.Close || c.r.Buffered() > 0 {
			c.Close()
			return
		}
		l.put(c)
	}
	if resp.Body == http.NoBody {
		end(true)
	} else {
		resp.Body = &lineBody{body: resp.Body, end: end}
	}
	return resp, nil
}

// exchange sends a request and reads the head of its answer.
func (c *line) exchange(req *http.Request) (*http.Response, error) {
	c.head = maxHead
	c.w = appendRequest(c.w[:0], req)
	if _, err := c.Write(c.w); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnheard, err)
	}
	if _, err := c.r.Peek(1); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnheard, err)
	}
	for {
		resp, err := http.ReadResponse(c.r, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 {
			c.used, c.head = true, -1
			return resp, nil
		}
	}
}

// take returns an idle connection, or a new one.
func (l *lines) take(req *http.Request) (*line, error) {
	to := lineTo{req.URL.Scheme, req.URL.Host}
	if c := l.takeIdle(to); c != nil {
		return c, nil
	}
	dial, port := l.plain, "80"
	if to.scheme == "https" {
		dial, port = l.secure, "443"
	}
	addr := to.host
	if req.URL.Port() == "" {
		addr = net.JoinHostPort(req.URL.Hostname(), port)
	}
	conn, err := dial(req.Context(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &line{Conn: conn, to: to}
	c.r = bufio.NewReaderSize(c, lineRead)
	return c, nil
}

func (l *lines) takeIdle(to lineTo) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.idle[to]
	last := len(free) - 1
	if last < 0 {
		return nil
	}
	c := free[last]
	free[last] = nil
	l.idle[to] = free[:last]
	return c
}

// put keeps a connection for the next request.
func (l *lines) put(c *line) {
	c.since = time.Now()
	l.mu.Lock()
	full := l.closed || len(l.idle[c.to]) >= l.keep
	if !full {
		l.idle[c.to] = append(l.idle[c.to], c)
		if l.sweep == nil {
			l.sweep = time.AfterFunc(idleTime, l.closeOld)
		}
	}
	l.mu.Unlock()
	if full {
		c.Close()
	}
}

// closeOld closes what was idle for too long.
func (l *lines) closeOld() {
	now := time.Now()
	var old []*line
	l.mu.Lock()
	l.sweep = nil
	for to, free := range l.idle {
		n := 0
		for n < len(free) && now.Sub(free[n].since) >= idleTime {
			n++
		}
		old = append(old, free[:n]...)
		if l.idle[to] = free[n:]; n == len(free) {
			delete(l.idle, to)
		} else if l.sweep == nil && !l.closed {
			l.sweep = time.AfterFunc(idleTime, l.closeOld)
		}
	}
	l.mu.Unlock()
	for _, c := range old {
		c.Close()
	}
}

// close closes what is idle now, and what is in use when it is not any more.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	idle := l.idle
	l.idle = nil
	if l.sweep != nil {
		l.sweep.Stop()
	}
	l.mu.Unlock()
	for _, free := range idle {
		for _, c := range free {
			c.Close()
		}
	}
}

// lineBody is the body of an answer. It is for one goroutine at a time.
type lineBody struct {
	body io.ReadCloser
	end  func(whole bool) // nil once it was called
}

// Read implements io.Reader.
func (b *lineBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
	}
	return n, err
}

// Close implements io.Closer. A body that was not read to its end takes its connection
// along: the rest of it would have to come first.
func (b *lineBody) Close() error {
	b.finish(false)
	return nil
}

func (b *lineBody) finish(whole bool) {
	if end := b.end; end != nil {
		b.end = nil
		end(whole)
	}
}
