package uploader

import (
	"fmt"
	"sort"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// rung is a run of cells of one size.
type rung struct {
	first int   // index of its first cell
	start int64 // offset of its first cell
	size  int64 // bytes of each of its cells
}

// grid cuts a file into cells. Its boundaries are a pure function of the
// profile, the part size and the memory budget, so that nothing about them need
// be remembered to resume an upload.
//
// The first direct cells are parts 1, 2, 3, … of the upload that becomes the
// object. Behind them a segment of up to MaxCopy bytes is one part each: its
// cells are parts of an upload of their own under a hidden key, and the finished
// segment is copied in by the server. With the default ladder and the limits of
// S3 (10,000 parts, copies of 5 GiB) 900 direct cells reach 23.75 GiB without
// any copy, and 9,100 segments reach 48.86 TB behind them.
type grid struct {
	rungs    []rung
	direct   int   // cells that are parts of the object's own upload
	segCells int   // cells in one segment; 0 means that there are none
	maxSize  int64 // the largest file
	tooLarge error // what a larger one is told
}

// Rung is a step of the ladder of part sizes, as a share of the part numbers
// that the store allows.
type Rung struct {
	Size     int64 // bytes
	PerMille int   // of Profile.PartNumbers
}

// DefaultLadder grows the parts of a file whose size is not known. The numbers
// it leaves (91 %) carry segments of up to 5 GiB each.
func DefaultLadder() []Rung {
	return []Rung{{8 << 20, 30}, {16 << 20, 20}, {32 << 20, 20}, {64 << 20, 20}}
}

// cellsInMemory is how many of the largest cells the budget must hold: one
// filling, and enough in flight to keep the connection busy.
const cellsInMemory = 6

// newGrid plans for a store. fixed is the user's part size, 0 for the ladder;
// memory caps the size of a cell.
func newGrid(p *objstore.Profile, ladder []Rung, fixed, memory int64) grid {
	fit := func(size int64) int64 {
		size = min(size, memory/cellsInMemory)
		size -= size % p.Part.Align
		return min(max(size, alignUp(p.Part.Min, p.Part.Align)), p.Part.Max)
	}
	count := int(p.PartNumbers())
	if p.Part.Equal || fixed > 0 || !p.PartCopy {
		size := fixed
		if size == 0 {
			size = ladder[0].Size
		}
		if !p.PartCopy && !p.Part.Equal && fixed == 0 {
			return ladderOnly(p, ladder, fit)
		}
		size = fit(size)
		g := grid{rungs: []rung{{0, 0, size}}, direct: count}
		if p.PartCopy && !p.Part.Equal {
			g.direct = max(1, count*9/100)
			g.segment(p, size)
		}
		g.limit(p, count)
		return g
	}
	g := grid{}
	var at int64
	for _, step := range ladder {
		size := fit(step.Size)
		cells := max(1, count*step.PerMille/1000)
		if n := len(g.rungs); n == 0 || g.rungs[n-1].size != size {
			g.rungs = append(g.rungs, rung{g.direct, at, size})
		}
		g.direct += cells
		at += int64(cells) * size
	}
	g.segment(p, g.rungs[len(g.rungs)-1].size)
	g.limit(p, count)
	return g
}

// ladderOnly plans for a store that cannot copy parts: all numbers are direct,
// and the last rung takes what the others leave.
func ladderOnly(p *objstore.Profile, ladder []Rung, fit func(int64) int64) grid {
	count := int(p.PartNumbers())
	g := grid{direct: count}
	shares := []int{100, 100, 200, 600} // 8 MiB × 1000, 16 × 1000, 32 × 2000, 64 × 6000 of 10,000
	var at int64
	cell := 0
	for i, step := range ladder {
		size := fit(step.Size)
		if n := len(g.rungs); n == 0 || g.rungs[n-1].size != size {
			g.rungs = append(g.rungs, rung{cell, at, size})
		}
		cells := max(1, count*shares[min(i, len(shares)-1)]/1000)
		cell += cells
		at += int64(cells) * size
	}
	g.limit(p, count)
	return g
}

func (g *grid) segment(p *objstore.Profile, cell int64) {
	g.segCells = int(max(1, min(p.MaxCopy/cell, int64(p.PartNumbers()))))
}

// limit finds the largest file: where the part numbers, or the store, end.
func (g *grid) limit(p *objstore.Profile, count int) {
	g.maxSize = g.start(g.direct)
	if g.segCells > 0 {
		last := g.rungs[len(g.rungs)-1].size
		g.maxSize += int64(count-g.direct) * int64(g.segCells) * last
	}
	rule := fmt.Sprintf("%d parts, which a file of unknown size can use up to %d bytes", count, g.maxSize)
	if p.Part.Equal {
		rule += ", since they must be of one size (a larger --part-size allows more)"
	}
	if p.MaxObject > 0 && p.MaxObject < g.maxSize {
		g.maxSize = p.MaxObject
		rule = fmt.Sprintf("objects of %d bytes", p.MaxObject)
	}
	g.tooLarge = &objstore.Limit{Store: p.Name, Got: "a larger file", Rule: rule, Kind: ErrTooLarge}
}

func (g *grid) rungOf(cell int) rung {
	i := sort.Search(len(g.rungs), func(i int) bool { return g.rungs[i].first > cell })
	return g.rungs[i-1]
}

// start returns the offset at which a cell begins.
func (g *grid) start(cell int) int64 {
	r := g.rungOf(cell)
	return r.start + int64(cell-r.first)*r.size
}

// length returns the bytes of a full cell.
func (g *grid) length(cell int) int64 { return g.rungOf(cell).size }

// cell returns the cell that holds an offset.
func (g *grid) cell(off int64) int {
	i := sort.Search(len(g.rungs), func(i int) bool { return g.rungs[i].start > off })
	r := g.rungs[i-1]
	return r.first + int((off-r.start)/r.size)
}

// segmentOf returns the segment that a cell belongs to, -1 for direct cells.
func (g *grid) segmentOf(cell int) int {
	if cell < g.direct {
		return -1
	}
	return (cell - g.direct) / g.segCells
}

// number returns a cell's part number in its own upload: the object's for direct
// cells, the segment's for the others.
func (g *grid) number(cell int) int32 {
	if s := g.segmentOf(cell); s >= 0 {
		return int32(cell - g.direct - s*g.segCells + 1)
	}
	return int32(cell + 1)
}

func alignUp(n, to int64) int64 { return (n + to - 1) / to * to }
