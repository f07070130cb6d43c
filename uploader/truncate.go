package uploader

import (
	"context"
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Allows returns ErrTooLarge if a file cannot have a size.
func (f *File) Allows(size int64) error {
	if size > f.u.grid.maxSize {
		return f.u.grid.tooLarge
	}
	return nil
}

// Truncate sets the size of the file: what lies beyond a smaller one is gone,
// what a larger one adds is zeros. ctx ends only the wait for other operations.
func (f *File) Truncate(ctx context.Context, size int64) error {
	if err := f.Allows(size); err != nil {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	f.mu.Lock()
	defer f.mu.Unlock()
	if size == f.size {
		return nil
	}
	f.dirty = true
	if size == 0 {
		f.restartLocked()
		return nil
	}
	if size < f.size {
		f.cutLocked(size)
	}
	f.size = size
	return nil
}

// Extend makes the file at least as large as size, by zeros. Unlike Truncate to a size
// that was larger a moment ago, it never takes away what is written meanwhile. ctx ends
// only the wait for other operations.
func (f *File) Extend(ctx context.Context, size int64) error {
	if err := f.Allows(size); err != nil {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	f.mu.Lock()
	defer f.mu.Unlock()
	if size > f.size {
		f.dirty = true
		f.size = size
	}
	return nil
}

// restartLocked empties the file: what was sent of it is aborted.
func (f *File) restartLocked() {
	ups, staged := f.emptyLocked()
	f.remotes, f.size, f.streaming = nil, 0, false
	f.tidyLocked(ups, staged)
}

// cutLocked drops everything from an offset on. A part that reached beyond it
// stays known: its bytes before the offset may be nowhere else.
func (f *File) cutLocked(size int64) {
	f.remotes = f.remotes.remove(span{size, f.size})
	for i, c := range f.cells {
		reach := c.reach(size)
		if reach == c.size {
			continue
		}
		c.trim(reach)
		if c.part.Size > 0 && c.valid > reach {
			c.valid = reach
			number := f.u.grid.number(c.index)
			s := c.upload.parts[number]
			s.at.to = min(s.at.to, c.start+reach)
			c.upload.parts[number] = s
		}
		if c.state == sealed || c.state == clean && c.part.Size > 0 && reach > 0 {
			c.state = filling
		}
		if c.part.Size > 0 && len(c.have) > 0 {
			// Shorter than its part now: what is held of it has to be sent again.
			c.dirty = slices.Clone(c.have)
		}
		if reach == 0 {
			if c.upload != nil {
				f.u.strayLocked(c.upload, f.u.grid.number(c.index))
			}
			c.part, c.upload, c.state = objstore.Part{}, nil, clean
			delete(f.cells, i)
		}
		f.u.age(c)
	}
	f.queue = slices.DeleteFunc(f.queue, func(c *cell) bool { return c.state != sealed })
}

// unqueueLocked takes a sealed cell that did not leave yet off the queue.
func (f *File) unqueueLocked(c *cell) {
	f.queue = slices.DeleteFunc(f.queue, func(q *cell) bool { return q == c })
}
