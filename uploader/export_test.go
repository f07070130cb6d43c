package uploader

import (
	"container/list"
	"fmt"
)

// ChunkSize is the unit of memory, in bytes.
const ChunkSize = chunkSize

// KeptBehind is how many bytes of what was sent last a mount keeps.
const KeptBehind = keptBehind

// MaxParked is how many files can be parked.
const MaxParked = maxParked

// TidyLeftovers asks the store again for what it did not let go of.
func (u *Uploader) TidyLeftovers() { u.tidyLeftovers(u.ctx) }

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

// Turns returns what can be seen of the ways that a file takes, as it stands now.
// doc.go has the words.
func (f *File) Turns() (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.cells {
		out = append(out, c.turns()...)
	}
	for name, so := range map[string]bool{
		"upload under the file's name": f.main != nil && !f.main.hidden,
		"upload under a hidden key":    f.main != nil && f.main.hidden,
		"stray part":                   f.main != nil && len(f.main.strays) > 0,
		"segment":                      len(f.segments) > 0,
		"held back":                    len(f.queue) > 0,
		"staged":                       len(f.staged) > 0,
		"hole":                         f.holeSeenLocked(),
	} {
		if so {
			out = append(out, name)
		}
	}
	return out
}

// holeSeenLocked reports that some of the file is nowhere but zeros.
func (f *File) holeSeenLocked() bool {
	seen := false
	f.eachCell(span{0, f.size}, func(i int, at span) {
		if f.cells[i] == nil && len(f.remotes.within(at)) == 0 {
			seen = true
		}
	})
	return seen
}

func (c *cell) turns() (out []string) {
	held, spilled := len(c.have) > 0, false
	for _, pg := range c.pages {
		spilled = spilled || pg.c != nil && pg.c.spilled()
	}
	sent := c.part.Size > 0
	for name, so := range map[string]bool{
		"written on its way":        c.state == uploading && c.rewritten,
		"sealed":                    c.state == sealed,
		"spilled":                   spilled,
		"memory of a part taken":    sent && !held,
		"part written again":        sent && len(c.dirty) > 0 && c.full(c.file.size),
		"header written again":      sent && len(c.dirty) > 0 && c.index == 0,
		"part to be staged":         sent && len(c.dirty) > 0 && !c.full(c.file.size),
		"part cut":                  sent && c.valid < c.part.Size,
		"change of the base":        !sent && len(c.dirty) > 0 && !c.full(c.file.size) && len(c.file.remotes.within(span{c.start, c.start + c.reach(c.file.size)})) > 0,
		"fetched":                   !sent && held && len(c.dirty) == 0,
		"kept after it was stored":  sent && held && len(c.dirty) == 0,
		"left behind by the stream": c.aged == c.file.u.passed && c.aged != nil,
	} {
		if so {
			out = append(out, name)
		}
	}
	return out
}
