package retry

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Get implements objstore.Store. A body that breaks is gone on with from where
// it broke, of the same version of the object; one that gives nothing for
// Config.Attempt counts as broken, and so does one that gives nothing for
// Config.Silence, or very little, while others do. Its Read ends with the context of Get.
func (s *Store) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	c := s.body(objstore.OpGet, key, 0)
	first, err := repeat(ctx, s, c, s.opening(ctx, c, key, opts))
	if err != nil {
		return nil, objstore.Info{}, err
	}
	b := &getBody{
		ctx: ctx, s: s, key: key, opts: opts, loop: s.newLoop(c),
		opened: first, next: opts.Offset, end: first.info.Size,
	}
	if opts.Length > 0 {
		b.end = min(b.end, opts.Offset+opts.Length)
	}
	b.opts.IfMatch = first.info.ETag
	return b, first.info, nil
}

// opened is a body under way, with the context that it lives in.
type opened struct {
	body   io.ReadCloser
	info   objstore.Info
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *watch
}

func (o *opened) close() error {
	o.watch.end()
	o.cancel(nil)
	return o.body.Close()
}

// opening makes an attempt at opening. The body must outlive the limit of the
// attempt, so it gets a context of its own that the limit ends only while the
// answer has not come.
func (s *Store) opening(ctx context.Context, c call, key string, opts objstore.GetOptions) func(context.Context) (*opened, error) {
	return func(limited context.Context) (*opened, error) {
		own, cancel := context.WithCancelCause(ctx)
		stop := context.AfterFunc(limited, func() { cancel(context.Cause(limited)) })
		body, info, err := s.under.Get(own, key, opts)
		if !stop() && err == nil { // too late by a hair
			body.Close()
			err = c.timedOut(limited, &objstore.Error{Op: c.op, Key: key, Kind: context.Canceled})
		}
		if err != nil {
			cancel(nil)
			return nil, err
		}
		return &opened{body, info, own, cancel, newWatch(s, func() { cancel(errSlow) })}, nil
	}
}

// getBody is the body of a Get. It is for one goroutine at a time.
type getBody struct {
	ctx  context.Context // of the call, for as long as the body is read
	s    *Store
	key  string
	opts objstore.GetOptions
	loop *loop

	opened *opened // nil between a break and the next opening
	next   int64   // offset in the object of the next byte
	end    int64
	closed bool

	got    int64         // bytes, since the pace was looked at
	waited time.Duration // for them
}

// Read implements io.Reader.
func (b *getBody) Read(p []byte) (int, error) {
	for {
		if b.closed {
			return 0, io.ErrClosedPipe
		}
		if b.next >= b.end {
			return 0, io.EOF
		}
		n, err := b.readOnce(p)
		if n > 0 {
			b.next += int64(n)
			b.loop.progress()
			return n, nil // an error comes again
		}
		if err == nil && len(p) > 0 {
			continue
		}
		if err == nil {
			return 0, nil
		}
		if err := b.loop.after(b.ctx, err); err != nil {
			return 0, err
		}
	}
}

// readOnce reads from the body under way, opening one if there is none.
func (b *getBody) readOnce(p []byte) (int, error) {
	if b.opened == nil {
		if err := b.reopen(); err != nil {
			return 0, err
		}
	}
	o := b.opened
	began := time.Now()
	o.watch.begin(began)
	n, err := o.body.Read(p[:min(int64(len(p)), b.end-b.next)])
	o.watch.end()
	if n > 0 || err == nil {
		b.brought(int64(n), began)
		return n, nil
	}
	cause := context.Cause(o.ctx)
	o.close()
	b.opened = nil
	return 0, b.breakage(err, cause)
}

// errLags is what is told of a body that is left for another.
var errLags = errors.New("the answer comes much more slowly than others")

// brought takes in what came, and leaves a body that does not keep up with others:
// the next Read opens one that goes on.
func (b *getBody) brought(n int64, began time.Time) {
	now := time.Now()
	b.s.pace.hear(now)
	b.got += n
	b.waited += now.Sub(began)
	last := b.next+n == b.end
	if b.waited < b.s.cfg.Silence && !last {
		return
	}
	if !last && b.opts.IfMatch != "" && b.s.pace.lags(b.got, b.waited) {
		b.opened.close() // what it says of its end is of no interest
		b.opened = nil
		b.loop.tell(errLags, 0)
	}
	b.s.pace.told(b.got, b.waited)
	b.got, b.waited = 0, 0
}

// breakage is the error of a body that ended early, as one that heals unless
// the store said otherwise. An early io.EOF is no end: bytes are missing.
func (b *getBody) breakage(err, cause error) error {
	var known *objstore.Error
	switch {
	case b.ctx.Err() != nil:
		return &objstore.Error{Op: objstore.OpGet, Key: b.key, Kind: b.ctx.Err(), Err: err}
	case errors.Is(cause, errSlow):
		err = errSlow
	case errors.As(err, &known):
		return err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &objstore.Error{Op: objstore.OpGet, Key: b.key, Kind: objstore.ErrUnavailable, Err: errors.Join(objstore.ErrBroken, err)}
}

// reopen makes one attempt at going on where the body broke.
func (b *getBody) reopen() error {
	if b.opts.IfMatch == "" {
		return &objstore.Error{Op: objstore.OpGet, Key: b.key, Kind: objstore.ErrInternal, Message: "the body broke and the store gave no ETag to go on with"}
	}
	opts := b.opts
	opts.Offset, opts.Length = b.next, b.end-b.next
	c := b.loop.call
	o, err := once(b.ctx, c, b.s.opening(b.ctx, c, b.key, opts))
	if err != nil {
		return err
	}
	b.opened = o
	return nil
}

// Close implements io.Closer.
func (b *getBody) Close() error {
	b.closed = true
	if b.opened == nil {
		return nil
	}
	err := b.opened.close()
	b.opened = nil
	return err
}
