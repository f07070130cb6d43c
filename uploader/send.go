package uploader

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// upload is one multipart upload of a file: the one that becomes the object, or
// a segment's under a hidden key.
type upload struct {
	key    string
	hidden bool
	ready  chan struct{} // closed once ref or err is set
	ref    objstore.UploadRef
	mark   string // by which its object is known, "" where the ETag does that
	err    error
	doubt  atomic.Bool // a part was sent, or is copied, and no answer came

	// Guarded by the file's mutex.
	options objstore.ObjectOptions
	version int            // of the options
	parts   map[int32]sent // acknowledged parts
	strays  []sent         // parts that are none of the file's any more: see strayLocked
}

// sent is a part that the store acknowledged.
type sent struct {
	part  objstore.Part
	at    span // of the file: what of it still counts
	sum   uint64
	sumOK bool
}

// uploadLocked returns the upload that a cell's part belongs to, and whether the
// caller is the one who has to create it.
func (f *File) uploadLocked(index int) (up *upload, create bool) {
	seg := f.u.grid.segmentOf(index)
	if seg < 0 {
		up = f.main
	} else {
		up = f.segments[seg]
	}
	if up != nil {
		return up, false
	}
	up = &upload{key: f.key, ready: make(chan struct{}), parts: map[int32]sent{}}
	// A file that is rewritten as it goes will have to be staged sooner or
	// later: an upload under a hidden key can be finished without being seen.
	if seg >= 0 || (f.rewrites || f.unlinked) && f.u.profile.PartCopy {
		up.key, up.hidden = f.u.hiddenKey(), true
	}
	if seg < 0 {
		f.main = up
	} else {
		f.segments[seg] = up
	}
	return up, true
}

// create begins an upload at the store. Others wait for up.ready.
func (f *File) create(up *upload) error {
	defer close(up.ready)
	opts, version, err := f.uploadOptions(up.hidden)
	if err != nil {
		up.err = err
		return err
	}
	f.mu.Lock()
	up.version, up.options = version, opts
	exclusive := f.exclusive && !up.hidden
	f.mu.Unlock()
	opts, up.mark = f.u.tagged(opts, exclusive)
	id, err := f.u.store.CreateMultipart(f.ctx, up.key, opts)
	if err != nil {
		up.err = fmt.Errorf("begin upload of %q: %w", up.key, err)
		return up.err
	}
	up.ref = objstore.UploadRef{Key: up.key, ID: id, SSE: customerKey(opts.SSE)}
	return nil
}

// uploadOptions returns the properties of an upload: of a hidden one, only how
// its bytes are encrypted.
func (f *File) uploadOptions(hidden bool) (objstore.ObjectOptions, int, error) {
	if !hidden {
		return f.resolveOptions(f.ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return objstore.ObjectOptions{SSE: f.options.SSE}, 0, nil
}

// open waits until an upload is begun, beginning it where this caller has to.
func (f *File) open(up *upload, create bool) error {
	if create {
		return f.create(up)
	}
	select {
	case <-up.ready:
		return up.err
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// send is the goroutine that carries one sealed cell to the store.
func (f *File) send(c *cell) {
	err := f.sendCell(c)
	f.mu.Lock()
	f.sending--
	if err != nil {
		f.failLocked(err)
	}
	f.changedLocked()
	f.mu.Unlock()
	f.u.thin()
	f.u.pool.kick()
}

func (f *File) sendCell(c *cell) error {
	if err := f.u.slots.acquire(f.ctx); err != nil {
		return context.Cause(f.ctx)
	}
	var n int64
	var took time.Duration
	defer func() { f.u.slots.release(n, took) }()
	f.mu.Lock()
	if f.err != nil || c.state != sealed {
		f.mu.Unlock()
		return nil
	}
	up, create := f.uploadLocked(c.index)
	f.mu.Unlock()
	if err := f.open(up, create); err != nil {
		return err
	}

	f.mu.Lock()
	if f.err != nil || c.state != sealed {
		f.mu.Unlock()
		return nil
	}
	c.state, c.rewritten = uploading, false
	f.u.age(c)
	b := &body{u: f.u}
	b.gather(c, 0, c.size)
	f.mu.Unlock()

	began := time.Now()
	s, err := f.u.sendPart(f.ctx, up, f.u.grid.number(c.index), b)
	if err == nil {
		n, took = b.size, time.Since(began)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	b.releaseLocked()
	if err != nil {
		c.state = filling
		f.u.age(c)
		return err
	}
	s.at = span{c.start, c.start + c.size}
	up.parts[s.part.Number] = s
	f.storedLocked(c, up, s)
	return nil
}

// storedLocked notes that a cell's part is at the store.
func (f *File) storedLocked(c *cell, up *upload, s sent) {
	c.upload, c.part, c.valid = up, s.part, s.part.Size
	if c.rewritten {
		c.state = filling // some of it is newer than the part: sent again at the commit
	} else {
		c.state, c.dirty = clean, nil
	}
	c.rewritten = false
	f.u.age(c)
	if seg := f.u.grid.segmentOf(c.index); seg >= 0 && len(up.parts) == f.u.grid.segCells && f.err == nil {
		f.sending++
		f.u.wg.Go(func() { f.finish(up) })
	}
}

// sendPart sends one part and checks what the store says of it. The caller has a
// slot and releases the body.
func (u *Uploader) sendPart(ctx context.Context, up *upload, number int32, b *body) (sent, error) {
	u.track(1)
	defer u.track(-1)
	out, sum, err := u.sealBody(b)
	if err != nil {
		return sent{}, err
	}
	part, err := u.store.UploadPart(ctx, up.ref, number, out)
	if err != nil {
		up.doubt.Store(up.doubt.Load() || unanswered(err))
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return sent{}, fmt.Errorf("send part %d of %q: %w", number, up.key, err)
	}
	if differs(out.Digest, part.Digest) {
		return sent{}, fmt.Errorf("part %d of %q: the store holds other bytes: %w", number, up.key, ErrIntegrity)
	}
	u.stats.parts.Add(1)
	u.stats.sent.Add(b.size)
	part.Number, part.Size = number, b.size
	if part.Digest.IsZero() && out.Digest.Algorithm == u.crc.algorithm {
		part.Digest = out.Digest
	}
	return sent{part: part, sum: sum, sumOK: true}, nil
}

func (u *Uploader) track(n int) {
	u.mu.Lock()
	u.inflight += n
	u.mu.Unlock()
	u.pool.kick()
}

// finish completes a segment whose cells are all stored: its bytes can then be
// copied into the object as one part, or read back.
func (f *File) finish(up *upload) {
	err := f.complete(up)
	f.mu.Lock()
	f.sending--
	if err != nil {
		f.failLocked(err)
	}
	f.changedLocked()
	f.mu.Unlock()
	f.u.pool.kick()
}
