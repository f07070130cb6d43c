package uploader

import (
	"context"
	"errors"
)

// planned plans the commit. A file that is written here and there can take more
// parts than there are numbers: then it is folded first. One of which parts were sent
// that are not part of it any more is staged where the store wants to see them in the end.
func (f *File) planned(ctx context.Context) ([]piece, error) {
	pieces, err := f.plan()
	if err == nil && f.strays(pieces) {
		if err := f.stage(ctx); err != nil {
			return nil, err
		}
		pieces, err = f.plan()
	}
	if !errors.Is(err, ErrTooLarge) || !f.u.profile.PartCopy || f.u.profile.Part.Equal {
		return pieces, err
	}
	if err := f.fold(ctx); err != nil {
		return nil, err
	}
	return f.plan()
}

// fold makes hidden objects of the ranges behind the last part that was sent, of
// as many bytes each as can be copied as one part, unless they are one part
// already. The caller has the file to itself, and has settled it.
func (f *File) fold(ctx context.Context) error {
	f.mu.Lock()
	size, at := f.size, int64(0)
	for _, c := range f.sentCellsLocked() {
		at = c.start + c.reach(size)
	}
	f.mu.Unlock()
	for step := f.u.profile.MaxCopy; at < size; at += step {
		if err := f.foldRange(ctx, span{at, min(at+step, size)}); err != nil {
			return err
		}
	}
	return nil
}

// foldRange makes a hidden object of a range of the file, and the range's base of it.
func (f *File) foldRange(ctx context.Context, s span) error {
	pieces, err := f.planRange(s)
	if err != nil || len(pieces) == 1 {
		return err
	}
	up := &upload{key: f.u.hiddenKey(), hidden: true, ready: make(chan struct{}), parts: map[int32]sent{}}
	f.mu.Lock()
	f.folding = up
	f.mu.Unlock()
	if err := f.create(up); err != nil {
		return err
	}
	parts, err := f.sendPieces(ctx, up, pieces, &composed{})
	if err != nil {
		return err
	}
	if err := f.finishHidden(up, parts); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.eachCell(s, func(index int, at span) {
		if c := f.cells[index]; c != nil {
			f.savedLocked(c, span{at.from - c.start, at.to - c.start})
		}
	})
	return nil
}

// planRange plans a range as an object of its own.
func (f *File) planRange(s span) ([]piece, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := newPlanner(f.u.profile, f.u.grid.rungs[len(f.u.grid.rungs)-1].size)
	p.coarse = true
	p.held = f.heldLocked(s)
	return p.plan(f.looseLocked(nil, s))
}

// savedLocked says that a finished object has a range of a cell now.
func (f *File) savedLocked(c *cell, s span) {
	c.dirty = c.dirty.remove(s)
	if c.state == sealed {
		f.unqueueLocked(c)
		c.state = filling
	}
	if len(c.dirty) == 0 {
		c.state = clean
	}
	if len(c.have) == 0 {
		delete(f.cells, c.index)
	}
	f.u.age(c)
}
