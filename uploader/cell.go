package uploader

import (
	"container/list"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// cellState is where a cell stands. doc.go draws the transitions.
type cellState string

const (
	// filling cells take writes; some of their bytes exist nowhere else.
	filling cellState = "filling"
	// sealed cells are covered and wait for their turn to leave.
	sealed cellState = "sealed"
	// uploading cells are being sent.
	uploading cellState = "uploading"
	// clean cells hold no byte that could not be had again: their part is
	// stored, or the object that holds them is. Their memory may be taken.
	clean cellState = "clean"
)

// page is one chunk's worth of a cell.
type page struct {
	c *chunk // nil where the page has no bytes
	// sum is the checksum of the first sumLen bytes as they came from the
	// writer. Beyond them it has to be taken from the chunk.
	sum    uint64
	sumLen int
}

// cell is the local state of one grid cell: bytes that were written and not yet
// stored, bytes that are still held, or the part that holds them. All fields
// are guarded by the mutex of its file.
type cell struct {
	file  *File
	index int
	start int64 // offset in the file
	size  int64 // bytes of a full cell

	state cellState
	pages []page
	have  spans // bytes held here, relative to start
	dirty spans // those of them that must be sent; a subset of have

	// upload and part are where the cell was stored last since the last commit;
	// part.Size is 0 if it was not. Bytes that are not in have, up to valid, are
	// in the part and nowhere else.
	upload *upload
	part   objstore.Part
	valid  int64 // smaller than part.Size once the file was cut inside the cell

	rewritten bool          // written while uploading: goes back to filling
	age       *list.Element // in the mount's list of clean or filling cells
	aged      *list.List    // which list that is
}

// full reports that every byte of the cell, up to the file's end, is held.
func (c *cell) full(size int64) bool {
	return c.have.has(span{0, c.reach(size)})
}

// reach returns how many bytes of the cell are inside a file of a size.
func (c *cell) reach(size int64) int64 { return max(0, min(c.size, size-c.start)) }

// missing returns how many chunks a write to [from, to) needs: for pages that
// have none, that are spilled, or that are being sent and must not change.
func (c *cell) missing(from, to int64) int {
	n := 0
	for i := from / chunkSize; i*chunkSize < to; i++ {
		if k := c.pages[i].c; k == nil || k.refs > 1 || k.spilled() {
			n++
		}
	}
	return n
}

// write copies p to offset off of the cell, with fresh chunks for the pages that
// need one, and returns the chunks that are left over. The digest is taken over
// p itself: a copy that goes wrong later is then seen by the store.
func (c *cell) write(p []byte, off int64, fresh []*chunk, dirty bool) ([]*chunk, error) {
	n := int64(len(p))
	for at := off; at < off+n; {
		i := at / chunkSize
		in := int(at - i*chunkSize)
		k := int(min(chunkSize-int64(in), off+n-at))
		src := p[at-off : at-off+int64(k)]
		pg := &c.pages[i]
		var err error
		if fresh, err = c.own(pg, fresh, in == 0 && k == chunkSize); err != nil {
			return fresh, err
		}
		copy(pg.c.buf[in:], src)
		pg.sumUp(c.file.u.crc, src, in)
		at += int64(k)
	}
	c.have = c.have.add(span{off, off + n})
	if dirty {
		c.dirty = c.dirty.add(span{off, off + n})
	}
	return fresh, nil
}

// own makes the page's chunk one that may be written. whole says that all of it
// will be: what it held need not be carried over.
func (c *cell) own(pg *page, fresh []*chunk, whole bool) ([]*chunk, error) {
	old := pg.c
	if old != nil && old.refs == 1 && !old.spilled() {
		return fresh, nil
	}
	next := fresh[len(fresh)-1]
	if old != nil && !whole {
		if old.spilled() {
			if err := c.file.u.spill.read(old.slot, next.buf, 0); err != nil {
				return fresh, err
			}
		} else {
			copy(next.buf, old.buf)
		}
	}
	pg.c = next
	if old != nil {
		c.file.u.drop(old)
	}
	return fresh[:len(fresh)-1], nil
}

// sumUp carries the page's checksum on over bytes written at an offset.
func (pg *page) sumUp(k crc, src []byte, in int) {
	switch {
	case in == pg.sumLen:
	case in == 0:
		pg.sum, pg.sumLen = 0, 0
	case in < pg.sumLen: // overwrites what was summed
		pg.sum, pg.sumLen = 0, 0
		return
	default: // a gap: the rest is summed when the page is sent
		return
	}
	pg.sum = k.update(pg.sum, src)
	pg.sumLen += len(src)
}

// read copies held bytes from offset off into p. All of them must be held.
func (c *cell) read(p []byte, off int64) error {
	for n := 0; n < len(p); {
		at := off + int64(n)
		pg := &c.pages[at/chunkSize]
		in := at % chunkSize
		k := min(len(p)-n, int(chunkSize-in))
		if pg.c.spilled() {
			if err := c.file.u.spill.read(pg.c.slot, p[n:n+k], in); err != nil {
				return err
			}
		} else {
			copy(p[n:n+k], pg.c.buf[in:])
		}
		n += k
	}
	return nil
}

// forget drops the bytes that are held, and with them their memory.
func (c *cell) forget() {
	for i := range c.pages {
		if k := c.pages[i].c; k != nil {
			c.file.u.drop(k)
			c.pages[i] = page{}
		}
	}
	c.have, c.dirty = nil, nil
}

// trim drops the held bytes from an offset of the cell on.
func (c *cell) trim(from int64) {
	if from < 0 {
		from = 0
	}
	cut := span{from, c.size}
	c.have, c.dirty = c.have.remove(cut), c.dirty.remove(cut)
	for i := range c.pages {
		pg := &c.pages[i]
		begin := int64(i) * chunkSize
		switch {
		case pg.c == nil:
		case !c.have.touches(span{begin, begin + chunkSize}):
			c.file.u.drop(pg.c)
			*pg = page{}
		case begin+int64(pg.sumLen) > from:
			pg.sum, pg.sumLen = 0, 0
		}
	}
}

// resident returns the bytes of memory that the cell holds.
func (c *cell) resident() int64 {
	var n int64
	for i := range c.pages {
		if k := c.pages[i].c; k != nil && !k.spilled() {
			n += chunkSize
		}
	}
	return n
}
