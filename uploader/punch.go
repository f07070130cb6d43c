package uploader

import "context"

// Punch makes a range of the file zeros, as far as the file goes, without
// changing its size. What was not sent costs nothing: it becomes a hole. ctx ends
// only waits.
func (f *File) Punch(ctx context.Context, off, n int64) error {
	var rest []span
	if err := f.take(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	s := span{off, min(off+n, f.size)}
	if s.from < s.to {
		f.dirty = true
		f.eachCell(s, func(index int, at span) {
			if !f.holeLocked(index, at) {
				rest = append(rest, at)
			}
		})
	}
	f.mu.Unlock()
	f.done()
	for _, at := range rest {
		for ; at.from < at.to; at.from += chunkSize {
			if _, err := f.WriteAt(ctx, zeros[:min(chunkSize, at.len())], at.from); err != nil {
				return err
			}
		}
	}
	return nil
}

// holeLocked makes a cell's range a hole, if the range is all that the file has
// of the cell and nothing of it was sent; otherwise zeros have to be written.
func (f *File) holeLocked(index int, at span) bool {
	c := f.cells[index]
	start := f.u.grid.start(index)
	whole := at.from == start && at.to == min(start+f.u.grid.length(index), f.size)
	if !whole || c != nil && c.part.Size > 0 {
		return false
	}
	f.remotes = f.remotes.remove(at)
	if c != nil {
		c.forget()
		if c.state == sealed {
			f.unqueueLocked(c)
		}
		c.state = clean
		f.u.age(c)
		delete(f.cells, index)
	}
	return true
}
