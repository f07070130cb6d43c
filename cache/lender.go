package cache

// Lender has memory that it does not need at present. What readers read ahead may lie in
// it until it is called in. Lend, giveBack and Spare are called with locks held.
type Lender interface {
	// Lend returns n bytes, or nil if it has none to lend. They are the cache's until it calls
	// giveBack. No more is asked for at once than a block: 256 KiB.
	Lend(n int) (b []byte, giveBack func())
	// Spare is how many bytes are lent or could be, as things stand.
	Spare() int64
	// OnShort says whom the lender asks to give back n bytes. It is called once, before Lend.
	OnShort(recall func(n int64))
}

// giveBack lets go of n bytes that are borrowed, or of as many as nobody is reading at
// this moment, and of what lies beyond them. It will be asked for again.
func (s *blocks) giveBack(n int64) {
	for _, r := range s.holders() {
		if n <= 0 {
			return
		}
		n -= r.giveBack(n)
	}
}

// giveBack is blocks.giveBack of one reader, and tells how much it let go of. What is
// furthest ahead goes first.
func (r *Reader) giveBack(n int64) (gone int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checkLocked()
	for i := range r.streams {
		gone += r.streams[i].giveBack(n-gone, r.pattern.trails[i].way == backward)
	}
	for gone < n && len(r.pieces.held) > 0 {
		last := len(r.pieces.held) - 1
		if r.pieces.held[last].isBorrowed() {
			gone += blockSize
		}
		drop(r.pieces.held[last:])
		r.pieces.held = r.pieces.held[:last]
	}
	r.countLocked()
	return gone
}

// giveBack lets go of the far end of a stream, as much as has n bytes that are borrowed.
func (s *stream) giveBack(n int64, backward bool) (gone int64) {
	cut, k := 0, 0 // how many blocks go, and how many were looked at
	for range s.held {
		if gone >= n {
			break
		}
		at := len(s.held) - 1 - k
		if backward {
			at = k
		}
		if k++; s.held[at].isBorrowed() {
			gone += blockSize
			cut = k
		}
	}
	switch {
	case cut == 0:
	case backward:
		s.keep(s.lo+int64(cut), s.hi())
	default:
		s.keep(s.lo, s.hi()-int64(cut))
	}
	return gone
}
