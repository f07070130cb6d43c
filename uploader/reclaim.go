package uploader

import (
	"container/list"
	"context"
	"fmt"
)

// take gets n chunks of the budget, waiting until they are there or ctx ends. A
// wait that nothing can end is ErrNoSpace.
func (u *Uploader) take(ctx context.Context, n int) ([]*chunk, error) {
	got, err := u.pool.take(ctx, n)
	if err == nil && got == nil && n > 0 {
		return nil, fmt.Errorf("take %d bytes: %w", n*chunkSize, ErrNoSpace)
	}
	return got, err
}

// reclaim is the goroutine that finds memory for those who wait, until the
// uploader ends. doc.go argues why it always finds some.
func (u *Uploader) reclaim() {
	for {
		select {
		case <-u.pool.short:
		case <-u.ctx.Done():
			return
		}
		for u.pool.wanted() > 0 && u.ctx.Err() == nil {
			if u.evict(u.clean) || u.evict(u.pinned) {
				continue
			}
			if u.sendMore() {
				break // whoever finishes a part kicks again
			}
			if spilled, full := u.spillColdest(); spilled {
				continue
			} else if full {
				u.pool.fail()
			}
			break
		}
	}
}

// evict frees the memory of the oldest cell of a list of clean ones.
func (u *Uploader) evict(from *list.List) bool {
	u.mu.Lock()
	oldest := from.Front()
	u.mu.Unlock()
	if oldest == nil {
		return false
	}
	c := oldest.Value.(*cell)
	f := c.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.state != clean {
		u.age(c) // written to just now: not on this list any more
		return true
	}
	c.forget()
	u.age(c)
	if c.part.Size == 0 && f.cells[c.index] == c {
		delete(f.cells, c.index)
	}
	return true
}

// sendMore makes sure that something is on its way, whose end will free memory:
// what is being sent already, or sealed cells of files that were held back
// because they could still have become one PutObject.
func (u *Uploader) sendMore() bool {
	u.mu.Lock()
	busy := u.inflight > 0
	files := make([]*File, 0, len(u.files))
	for f := range u.files {
		files = append(files, f)
	}
	u.mu.Unlock()
	if busy {
		return true
	}
	for _, f := range files {
		f.mu.Lock()
		if len(f.queue) > 0 && f.err == nil && !f.busy {
			f.streaming = true
			f.startLocked()
		}
		on := f.sending > 0
		f.mu.Unlock()
		if on {
			return true
		}
	}
	return false
}

// spillColdest writes the bytes of the cell that was not written to for longest
// to the spill file. full says that there was one, but no place for it.
func (u *Uploader) spillColdest() (spilled, full bool) {
	u.mu.Lock()
	var victims []*cell
	for e := u.filling.Front(); e != nil && len(victims) < spillBatch; e = e.Next() {
		victims = append(victims, e.Value.(*cell))
	}
	u.mu.Unlock()
	for _, c := range victims {
		n, err := u.spillCell(c)
		if err != nil {
			c.file.Discard(err)
			return true, false
		}
		if n > 0 {
			return true, false
		}
		if n < 0 {
			return false, true
		}
	}
	return false, false
}

// spillBatch is how many cold cells are looked at for one with memory to give.
const spillBatch = 64

// spillCell moves a cell's chunks to the spill file and returns how many bytes
// that freed, -1 when the spill file is full. The file stays locked meanwhile:
// its writer is one of those that wait for memory, or not writing at all.
func (u *Uploader) spillCell(c *cell) (int64, error) {
	f := c.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.state != filling {
		return 0, nil
	}
	var freed int64
	for i := range c.pages {
		k := c.pages[i].c
		if k == nil || k.spilled() || k.refs > 1 {
			continue
		}
		slot, ok, err := u.spill.reserve()
		if err != nil {
			return freed, err
		}
		if !ok {
			if freed > 0 {
				break
			}
			return -1, nil
		}
		if err := u.spill.write(slot, k.buf); err != nil {
			u.spill.release(slot)
			return freed, err
		}
		c.pages[i].c = &chunk{slot: slot, refs: 1}
		u.drop(k)
		freed += chunkSize
		u.stats.spilled.Add(chunkSize)
	}
	// It has nothing more to give: out of the way until it is written to again.
	u.mu.Lock()
	if c.aged != nil {
		c.aged.Remove(c.age)
		c.aged, c.age = nil, nil
	}
	u.mu.Unlock()
	return freed, nil
}
