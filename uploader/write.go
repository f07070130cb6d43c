package uploader

import (
	"context"
	"errors"
)

// WriteAt puts p at an offset, in whatever order offsets come. It copies p, and
// waits for memory where the budget is used up; ctx ends only that wait, with
// the number of bytes that were taken before it. A cell that becomes covered
// leaves in the background: its failure is returned by later calls.
func (f *File) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off > f.u.grid.maxSize-int64(len(p)) {
		return 0, f.u.grid.tooLarge
	}
	n := 0
	for n < len(p) {
		k, err := f.writeCell(ctx, p[n:], off+int64(n))
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// writeCell writes as much of p as fits into the cell at off.
func (f *File) writeCell(ctx context.Context, p []byte, off int64) (int, error) {
	index := f.u.grid.cell(off)
	rel := off - f.u.grid.start(index)
	p = p[:min(int64(len(p)), f.u.grid.length(index)-rel)]
	end := rel + int64(len(p))

	if err := f.throttle(ctx, index); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var fresh []*chunk
	defer func() { f.u.pool.put(fresh) }()
	var c *cell
	for {
		if f.busy { // what has the file may wait for memory: hold none meanwhile
			f.u.pool.put(fresh)
			fresh = nil
		}
		if err := f.usableLocked(ctx); err != nil {
			return 0, err
		}
		c = f.cellLocked(index)
		need := c.missing(rel, end)
		if need <= len(fresh) {
			break
		}
		f.mu.Unlock()
		f.u.pool.put(fresh) // all or nothing: nobody holds some and waits for more
		var err error
		fresh, err = f.chunks(ctx, need)
		f.mu.Lock()
		if errors.Is(err, ErrNoSpace) {
			f.failLocked(err) // a file with a write missing must not be published
		}
		if err != nil {
			return 0, err
		}
	}
	covered := c.dirty.has(span{rel, end}) || c.part.Size > 0
	var err error
	if fresh, err = c.write(p, rel, fresh, true); err != nil {
		f.failLocked(err)
		return 0, err
	}
	f.size = max(f.size, off+int64(len(p)))
	f.dirty = true
	if index > 0 && c.start+c.size < f.size-disorder {
		f.late += int64(len(p))
	}
	f.wroteLocked(c, covered && index > 0 && c.state != filling)
	return len(p), nil
}

// throttle holds a writer back that is about to begin another cell while enough
// of them wait for a slot.
func (f *File) throttle(ctx context.Context, index int) error {
	f.mu.Lock()
	begun := f.cells[index] != nil || !f.streaming
	f.mu.Unlock()
	for !begun {
		room := f.u.slots.crowded()
		if room == nil {
			return nil
		}
		select {
		case <-room:
		case <-f.ctx.Done(): // failed: writeCell says how
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// disorder is how far behind the end of a file the kernel's write-back seldom is with
// bytes that were written in order, in bytes. It may be as far behind as it lets pages be
// dirty, a 500th of the memory. (Measured with 24 GiB: now and then up to 70 MiB.)
const disorder = 64 << 20

// scatteredLocked reports that so much of the file was written farther behind its end that
// it was not the kernel who changed the order. Taken for such a file, a stream
// would be kept in memory as a whole.
func (f *File) scatteredLocked() bool { return f.late > max(disorder, f.size/8) }

// wroteLocked moves a cell on after a write to it.
func (f *File) wroteLocked(c *cell, again bool) {
	f.rewrites = f.rewrites || again
	f.random = f.random || f.rewrites || f.scatteredLocked()
	switch c.state {
	case clean:
		c.state = filling
	case uploading:
		c.rewritten = true
	}
	// A cell goes out once it is covered; written again after that, it waits for
	// the commit, so that a header patched a hundred times is not sent as often.
	if c.state == filling && c.part.Size == 0 && c.dirty.has(span{0, c.size}) {
		c.state = sealed
		f.queue = append(f.queue, c)
	}
	f.u.age(c)
	f.startLocked()
}

// startLocked sends the cells that wait, once the file is too large for one
// PutObject.
func (f *File) startLocked() {
	if f.busy || f.err != nil || f.closed || len(f.queue) == 0 {
		return
	}
	f.streaming = f.streaming || f.size > f.u.cfg.Threshold
	if !f.streaming {
		return
	}
	for _, c := range f.queue {
		f.sending++
		f.u.wg.Go(func() { f.send(c) })
	}
	f.queue = nil
}
