package uploader

import (
	"container/list"
	"fmt"
)

// ErrNotRestored is the failure of a stage that could not put back what it replaced.
var ErrNotRestored = errNotRestored

// KeptBehind is how many bytes of what was sent last a mount keeps.
const KeptBehind = keptBehind

// Waiting returns how many callers wait for memory.
func (u *Uploader) Waiting() int {
	u.pool.mu.Lock()
	defer u.pool.mu.Unlock()
	return len(u.pool.waiting)
}

// Check holds the cells of a file against the invariants of doc.go.
func (f *File) Check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range f.cells {
		if err := c.check(); err != nil {
			return fmt.Errorf("cell %d, %s, have %v, dirty %v, part of %d: %w", i, c.state, c.have, c.dirty, c.part.Size, err)
		}
		if c.index != i || c.start != f.u.grid.start(i) || c.size != f.u.grid.length(i) {
			return fmt.Errorf("cell %d is at %d as %d, with %d bytes", i, c.start, c.index, c.size)
		}
	}
	for _, c := range f.queue {
		if c.state != sealed || f.cells[c.index] != c {
			return fmt.Errorf("cell %d is queued, %s", c.index, c.state)
		}
	}
	return nil
}

func (c *cell) check() error {
	for _, d := range c.dirty {
		if !c.have.has(d) {
			return fmt.Errorf("%v is dirty and not held", d)
		}
	}
	if n := len(c.have); n > 0 && (c.have[0].from < 0 || c.have[n-1].to > c.reach(c.file.size)) {
		return fmt.Errorf("more is held than the file has")
	}
	if c.state == clean && len(c.dirty) > 0 || c.state == sealed && !c.dirty.has(span{0, c.size}) {
		return fmt.Errorf("the state is wrong")
	}
	if c.part.Size > 0 && c.upload == nil || c.valid > c.part.Size && c.part.Size > 0 {
		return fmt.Errorf("%d bytes of the part are valid, its upload is %v", c.valid, c.upload)
	}
	resident := false
	for i, pg := range c.pages {
		at := span{int64(i) * chunkSize, int64(i+1) * chunkSize}
		if (pg.c != nil) != c.have.touches(at) {
			return fmt.Errorf("page %d has a chunk: %v", i, pg.c != nil)
		}
		resident = resident || pg.c != nil && !pg.c.spilled()
	}
	return c.checkList(resident)
}

// checkList makes sure that reclaim finds the cell if it has memory to give.
func (c *cell) checkList(resident bool) error {
	var want *list.List
	switch {
	case c.state == uploading || !resident && len(c.have) == 0:
		return nil
	case c.state == clean && c.index == 0 && c.part.Size > 0:
		want = c.file.u.pinned
	case c.state == clean:
		want = c.file.u.clean
	case resident:
		want = c.file.u.dirty
	default:
		return nil // all of it is spilled
	}
	c.file.u.mu.Lock()
	defer c.file.u.mu.Unlock()
	if passed := c.file.u.passed; want == c.file.u.clean && c.aged == passed && c.part.Size > 0 {
		want = passed
	}
	if c.aged != want {
		return fmt.Errorf("not where reclaim looks for it")
	}
	return nil
}
