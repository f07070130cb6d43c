package s3

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var (
	errBodyStopped = errors.New("body is not sent any more")
	errBodySize    = errors.New("body is not of the announced size")
)

// copyBuffers serve bodies that cannot write themselves. 256 KiB is past the
// point where larger writes gain anything.
var copyBuffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// outBody is a caller's body on its way out. Its reader is touched by one
// goroutine at a time, and by none once stop has returned.
type outBody struct {
	size int64

	mu      sync.Mutex
	idle    *sync.Cond // signalled when busy ends
	r       io.ReadSeeker
	pos     int64
	busy    bool
	conn    net.Conn // that is being written to, nil if none is
	stopped bool
	cut     bool  // the write to conn was cut short by a deadline
	failed  error // of the caller's reader
}

// newOutBody rewinds a body for an attempt. It is nil for an empty one, which
// net/http must not see as one of unknown length.
func newOutBody(b objstore.Body) (*outBody, error) {
	if b.Size == 0 {
		return nil, nil
	}
	if b.Reader == nil || b.Size < 0 {
		return nil, errBodySize
	}
	if _, err := b.Reader.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	o := &outBody{size: b.Size, r: b.Reader}
	o.idle = sync.NewCond(&o.mu)
	return o, nil
}

// begin makes the caller the one that may touch the reader.
func (o *outBody) begin(c net.Conn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.busy && !o.stopped {
		o.idle.Wait()
	}
	if o.stopped {
		return errBodyStopped
	}
	o.busy, o.conn = true, c
	return nil
}

// end gives the reader back, after n bytes.
func (o *outBody) end(n int64, readErr error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pos += n
	if o.cut && o.pos == o.size { // the cut came too late to do harm
		o.conn.SetWriteDeadline(time.Time{})
		o.cut = false
	}
	if readErr != nil && o.failed == nil {
		o.failed = readErr
	}
	o.busy, o.conn = false, nil
	o.idle.Broadcast()
}

// Read implements io.Reader, for the first bytes, which net/http sends together
// with the headers, and for connections through proxies. Its end is an end also
// after stop: net/http looks for it before it keeps the connection.
func (o *outBody) Read(p []byte) (int, error) {
	if o.sent() {
		return 0, io.EOF
	}
	if err := o.begin(nil); err != nil {
		return 0, err
	}
	n, err := o.r.Read(p)
	failed := err
	if err == io.EOF {
		failed = nil
		if o.pos+int64(n) < o.size {
			failed = errBodySize
		}
	}
	o.end(int64(n), failed)
	return n, err
}

// sendTo writes the next n bytes to a connection.
func (o *outBody) sendTo(c conn, n int64) (int64, error) {
	if err := o.begin(c.Conn); err != nil {
		return 0, err
	}
	w := &capped{w: c.Conn, left: n}
	err := w.send(o.r, c.cork)
	switch {
	case err != nil && w.failed == nil: // it was the reader
		o.end(w.written, err)
	case err == nil && w.left > 0:
		err = errBodySize
		o.end(w.written, err)
	default:
		o.end(w.written, nil)
	}
	return w.written, err
}

// Close implements io.Closer for net/http, which may call it while another
// goroutine writes. It does not wait.
func (o *outBody) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopLocked()
	return nil
}

func (o *outBody) stopLocked() {
	o.stopped = true
	o.idle.Broadcast()
	if o.conn != nil && !o.cut {
		o.cut = true
		o.conn.SetWriteDeadline(time.Unix(1, 0)) // long past: ends the write
	}
}

// stop ends the sending, and waits until nobody touches the reader.
func (o *outBody) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopLocked()
	for o.busy {
		o.idle.Wait()
	}
}

// wait waits until all is sent, sending was given up, or the context ends.
func (o *outBody) wait(ctx context.Context) {
	wake := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.idle.Broadcast()
	})
	defer wake()
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.busy && ctx.Err() == nil {
		o.idle.Wait()
	}
}

// sent tells whether all bytes are out.
func (o *outBody) sent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pos == o.size && !o.busy
}

// readError is the error of the caller's reader, if it had one.
func (o *outBody) readError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// capped writes no more than it may, and tells its own errors from those of
// whoever writes to it.
type capped struct {
	w       io.Writer
	left    int64
	written int64
	failed  error
}

// send takes all of a reader, through the cork if there is one.
func (c *capped) send(r io.Reader, k *cork) error {
	if k == nil {
		return c.take(r)
	}
	k.put()
	err := c.take(r)
	if flushed := k.pull(); err == nil && flushed != nil {
		c.failed, err = flushed, flushed
	}
	return err
}

// take writes what a reader has left, straight from its memory if it can.
func (c *capped) take(r io.Reader) error {
	if from, ok := r.(io.WriterTo); ok {
		_, err := from.WriteTo(c)
		return err
	}
	buf := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buf)
	_, err := io.CopyBuffer(c, io.LimitReader(r, c.left), buf[:])
	return err
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		return 0, errBodySize
	}
	n, err := c.w.Write(p)
	c.wrote(int64(n), err)
	return n, err
}

// WriteVector implements objstore.VectorWriter: with one call of the system where
// the connection is plain TCP.
func (c *capped) WriteVector(p [][]byte) (int64, error) {
	var size int64
	for _, piece := range p {
		size += int64(len(piece))
	}
	if size > c.left {
		return 0, errBodySize
	}
	all := net.Buffers(p)
	n, err := all.WriteTo(c.w)
	c.wrote(n, err)
	return n, err
}

func (c *capped) wrote(n int64, err error) {
	c.written += n
	c.left -= n
	if err != nil {
		c.failed = err
	}
}
