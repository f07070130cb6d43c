package uploader

import (
	"container/list"
	"context"
	"fmt"
)

// chunks gets n chunks of the budget, waiting until they are there, ctx ends or
// the file fails. A wait that nothing can end is ErrNoSpace.
func (f *File) chunks(ctx context.Context, n int) ([]*chunk, error) {
	got, err := f.u.pool.take(ctx, f.ctx, n)
	if err != nil {
		return nil, fmt.Errorf("wait for %d bytes of memory: %w", n*chunkSize, err)
	}
	return got, nil
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
			if u.callIn() || u.evict(u.passed) || u.evict(u.clean) {
				continue
			}
			if u.sendMore() {
				break // whoever finishes a part kicks again
			}
			// What ended since the lists were looked at is there now.
			if u.pool.wanted() == 0 || u.evict(u.passed) || u.evict(u.clean) || u.evict(u.pinned) {
				continue
			}
			u.recall() // whoever commits kicks, but nobody knows what it waits for before
			spilled, err := u.spillColdest()
			if err != nil && u.pool.onLoan() == 0 {
				u.pool.fail(err)
			}
			if !spilled {
				break // whoever ends what holds the rest kicks again
			}
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
	if c.state != clean || from == u.passed && f.random {
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

// keptBehind is how many bytes of the cells that were sent last the mount keeps of
// files that are written from front to back: what a program or the kernel may yet
// change there need not be fetched. The last cell is kept whatever its size, and
// the first of each file besides. What is given back at once is written again
// while it is still in the CPU's cache, and a mount that streams stays small, however
// many streams there are.
const keptBehind = 16 << 20

// thin gives back the memory of cells that streams have left behind. A file that
// is written here and there keeps its cells: each may save a download.
func (u *Uploader) thin() {
	for {
		u.mu.Lock()
		over := u.behind > keptBehind && u.passed.Len() > 1
		u.mu.Unlock()
		if !over || !u.evict(u.passed) {
			return
		}
	}
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
// to the spill file. An error says that there was one, but no place for it.
func (u *Uploader) spillColdest() (spilled bool, err error) {
	u.mu.Lock()
	left := u.dirty.Len()
	u.mu.Unlock()
	for ; left > 0; left-- {
		u.mu.Lock()
		coldest := u.dirty.Front()
		u.mu.Unlock()
		if coldest == nil {
			break
		}
		n, err := u.spillCell(coldest.Value.(*cell))
		if err != nil {
			u.log.WithError(err).Warn("cannot spill what waits to be sent")
		}
		if n > 0 {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// spillCell moves a cell's chunks to the spill file and returns how many bytes
// that freed. The file stays locked meanwhile: its writer is one of those that
// wait for memory, or not writing at all.
func (u *Uploader) spillCell(c *cell) (freed int64, err error) {
	f := c.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.state == filling || c.state == sealed {
		for i := range c.pages {
			k := c.pages[i].c
			if k == nil || k.spilled() || k.refs > 1 {
				continue
			}
			slot, err := u.spill.put(k.buf)
			if err != nil {
				u.age(c) // what is left of it may go when there is room again
				return freed, err
			}
			c.pages[i].c = &chunk{slot: slot, refs: 1}
			u.drop(k)
			freed += chunkSize
			u.stats.spilled.Add(chunkSize)
		}
	}
	if c.resident() > 0 {
		u.age(c) // being sent, or written to just now
		return freed, nil
	}
	// It has nothing more to give: out of the way until it is written to again.
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.aged != nil {
		c.aged.Remove(c.age)
		c.aged, c.age = nil, nil
	}
	return freed, nil
}
