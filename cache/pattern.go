package cache

// access is how a reader goes through an object.
type access uint8

const (
	random   access = iota
	forward         // each read begins about where the one before ended
	backward        // each read ends about where the one before began
	strided         // each read is the same distance behind the one before
)

const (
	maxTrails = 4
	// nearNew is how many times its length, and at least kernelRead, a read may be off
	// to go on with a trail of one read: the kernel sends two of its reads at once.
	nearNew = 2
	// nearOld is how far a read may be off, in bytes, to go on with one that has been
	// gone on with: the kernel's requests overtake each other.
	nearOld = 1 << 20
	// kernelRead is the least that the kernel reads ahead by, in bytes.
	kernelRead = 128 << 10
	// A trail counts for more than random reads after so many reads side by side, so
	// many with gaps or overtaken, or so many bytes. The more pages of a file the kernel
	// has, the more pieces it makes of a random read, and the more it reads
	// ahead for nothing. Who reads in order has done so after three requests.
	sureRow   = 3
	sureReads = 6
	sureBytes = 1 << 20
	// minStrides is how often a distance must be repeated to count as a stride.
	minStrides = 2
)

// trail is one place at which an object is being read. Programs that merge,
// compare or download in parts have several on one handle.
type trail struct {
	way    access // forward or backward; random while there was one read
	sure   bool   // that it is one, and not what random reads look like now and then
	first  int64  // where the last read began; the lowest so far, going backward
	pos    int64  // where the last read ended; the highest so far, going forward
	length int64  // bytes that were read in a row, or overtaken
	read   int64  // of them, those that were read
	reads  int    // how many those are
	row    int    // the last of them that were side by side
	used   uint64
}

// kind is what the trail counts for.
func (t *trail) kind() access {
	if !t.sure {
		return random
	}
	return t.way
}

// complete reports that nothing is left that was overtaken.
func (t *trail) complete() bool { return t.read >= t.length }

// pattern finds out how a reader goes through an object, from its reads alone.
type pattern struct {
	trails [maxTrails]trail
	clock  uint64
	last   int64 // where the last read of no trail began
	lastN  int64
	step   int64 // from the one before
	steps  int   // how often in a row
}

// observe takes in a read of n bytes at off. It returns how it fits in, and for
// forward and backward the number of its trail, and whether that has begun anew.
func (p *pattern) observe(off, n int64) (kind access, i int, begun bool) {
	p.clock++
	for i := range p.trails {
		if t := &p.trails[i]; t.used > 0 && t.goesOn(off, n) {
			t.used = p.clock
			return t.kind(), i, false
		}
	}
	if off == 0 || p.clock == 1 && n >= kernelRead && off <= nearNew*n {
		// The second read of a file may come before the first.
		i := p.begin(0, off+n)
		t := &p.trails[i]
		t.way, t.sure, t.read = forward, true, n
		return forward, i, true
	}
	if p.strides(off, n) {
		return strided, 0, false
	}
	return random, p.begin(off, n), true
}

// announce takes in that an object is going to be read from its beginning, and returns
// the number of the trail. Of its n bytes none was read yet.
func (p *pattern) announce(n int64) (i int) {
	p.clock++
	i = p.begin(0, n)
	t := &p.trails[i]
	t.way, t.sure, t.read, t.reads, t.row = forward, true, 0, 0, 0
	return i
}

// begin puts a trail of one read in the place of the one that was used least
// recently. One that was gone on with is not displaced by a few random reads.
func (p *pattern) begin(off, n int64) int {
	oldest := 0
	for i := range p.trails {
		if p.trails[i].worth() < p.trails[oldest].worth() {
			oldest = i
		}
	}
	p.trails[oldest] = trail{first: off, pos: off + n, length: n, read: n, reads: 1, row: 1, used: p.clock}
	return oldest
}

func (t *trail) worth() uint64 {
	if t.kind() == random {
		return t.used
	}
	return t.used + 64
}

// goesOn reports that a read goes on with the trail, and takes it in if so.
func (t *trail) goesOn(off, n int64) bool {
	exact := off == t.pos || off+n == t.first
	if !t.follow(off, n) {
		return false
	}
	t.read += n
	t.reads++
	if t.row++; !exact {
		t.row = 1
	}
	t.sure = t.sure || t.row >= sureRow || t.reads >= sureReads || t.read >= sureBytes
	return true
}

// follow moves the trail's end to that of a read, if it is near.
func (t *trail) follow(off, n int64) bool {
	near := max(kernelRead, nearNew*n)
	if t.length > 4*n || t.length > nearOld {
		near = max(near, nearOld)
	}
	end := off + n
	switch {
	case t.way != backward && off > t.first && off <= t.pos+near && off >= t.pos-near:
		t.way = forward
		t.first = off
		if end > t.pos {
			t.length += end - t.pos
			t.pos = end
		}
	case t.way == forward && off >= t.pos-near && off <= t.first:
		// It was overtaken.
	case t.way != forward && (off > 0 || t.way == backward) && off < t.first && end >= t.first-near && end <= t.first+near:
		t.way = backward
		t.length += t.first - off
		t.first, t.pos = off, end
	default:
		return false
	}
	return true
}

// strides takes in a read that fits no trail and reports that it, and those
// before it, were at equal distances and equally long.
func (p *pattern) strides(off, n int64) bool {
	step := off - p.last
	if p.lastN == 0 {
		step = 0 // it is the first
	}
	if step == p.step && step != 0 && n == p.lastN {
		p.steps++
	} else {
		p.step, p.steps = step, 0
	}
	p.last, p.lastN = off, n
	return p.steps >= minStrides
}
