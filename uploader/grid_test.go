package uploader

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
)

func profileNamed(t testing.TB, name string, change ...func(*objstore.Profile)) *objstore.Profile {
	t.Helper()
	p, ok := objstore.ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	for _, c := range change {
		c(&p)
	}
	return &p
}

// TestGridLimits pins where files end: by the part numbers, or by the store.
func TestGridLimits(t *testing.T) {
	scaled := func(p *objstore.Profile) {
		p.Part = objstore.PartLimits{Min: 100_000, Max: 1 << 30, Align: 1000, MaxCount: 100}
		p.MaxCopy = 400_000
	}
	tenCells := []Rung{{100_000, 50}, {200_000, 40}}
	for _, c := range []struct {
		name            string
		profile         *objstore.Profile
		ladder          []Rung
		fixed, memory   int64
		first, last     int64 // bytes of the first and of the last direct cell
		direct, segment int   // cells
		maxSize         int64
	}{
		{"s3", profileNamed(t, "aws"), DefaultLadder(), 0, 512 * mib, 8 * mib, 64 * mib, 900, 80, 24800*mib + 9100*5*gib},
		{"s3, little memory", profileNamed(t, "aws"), DefaultLadder(), 0, 96 * mib, 8 * mib, 16 * mib, 900, 320, 2400*mib + 600*16*mib + 9100*5*gib},
		{"s3, least memory", profileNamed(t, "aws"), DefaultLadder(), 0, 30 * mib, 5 * mib, 5 * mib, 900, 1024, 4500*mib + 9100*5*gib},
		{"s3, fixed", profileNamed(t, "aws"), DefaultLadder(), 32 * mib, 512 * mib, 32 * mib, 32 * mib, 900, 160, 900*32*mib + 9100*5*gib},
		{"s3, too small a size", profileNamed(t, "aws"), DefaultLadder(), 1 * mib, 512 * mib, 5 * mib, 5 * mib, 900, 1024, 4500*mib + 9100*5*gib},
		{"objects of 5 TiB", profileNamed(t, "aws", func(p *objstore.Profile) { p.MaxObject = 5 << 40 }), DefaultLadder(), 0, 512 * mib, 8 * mib, 64 * mib, 900, 80, 5 << 40},
		{"equal parts", profileNamed(t, "generic"), DefaultLadder(), 0, 512 * mib, 8 * mib, 8 * mib, 10_000, 0, 80_000 * mib},
		{"equal parts, fixed", profileNamed(t, "generic"), DefaultLadder(), 64 * mib, 512 * mib, 64 * mib, 64 * mib, 10_000, 0, 640_000 * mib},
		{"no copies", profileNamed(t, "aws", func(p *objstore.Profile) { p.PartCopy = false }), DefaultLadder(), 0, 512 * mib, 8 * mib, 64 * mib, 10_000, 0, (8 + 16 + 64 + 6*64) * 1000 * mib},
		{"no copies, fixed", profileNamed(t, "aws", func(p *objstore.Profile) { p.PartCopy = false }), DefaultLadder(), 16 * mib, 512 * mib, 16 * mib, 16 * mib, 10_000, 0, 160_000 * mib},
		{"scaled", profileNamed(t, "aws", scaled), tenCells, 0, 2 << 20, 100_000, 200_000, 9, 2, 1_300_000 + 91*400_000},
	} {
		g := newGrid(c.profile, c.ladder, c.fixed, c.memory)
		if got := g.length(0); got != c.first {
			t.Errorf("%s: first cell of %d, want %d", c.name, got, c.first)
		}
		if got := g.length(g.direct - 1); got != c.last {
			t.Errorf("%s: last direct cell of %d, want %d", c.name, got, c.last)
		}
		if g.direct != c.direct || g.segCells != c.segment || g.maxSize != c.maxSize {
			t.Errorf("%s: %d direct, %d in a segment, %d bytes; want %d, %d, %d",
				c.name, g.direct, g.segCells, g.maxSize, c.direct, c.segment, c.maxSize)
		}
		checkGrid(t, c.name, c.profile, g, c.memory)
	}
}

// TestGridReachesTheStore holds the plan for S3 to its promise.
func TestGridReachesTheStore(t *testing.T) {
	g := newGrid(profileNamed(t, "aws"), DefaultLadder(), 0, 384*mib)
	if g.maxSize < 48_800_000_000_000 {
		t.Errorf("the largest file has %d bytes", g.maxSize)
	}
	if last := g.cell(g.maxSize - 1); g.direct+g.segmentOf(last)+1 > 10_000 {
		t.Errorf("the last byte is in segment %d behind %d parts", g.segmentOf(last), g.direct)
	}
}

// checkGrid walks a grid: cells follow each other, are of sizes that the store
// takes, and have numbers that it has.
func checkGrid(t *testing.T, name string, p *objstore.Profile, g grid, memory int64) {
	t.Helper()
	at, parts := int64(0), map[int]int32{} // number of the last cell, by segment
	for i := 0; at < min(g.maxSize, 100*gib); i++ {
		size := g.length(i)
		if g.start(i) != at {
			t.Fatalf("%s: cell %d begins at %d, want %d", name, i, g.start(i), at)
		}
		if size < p.Part.Min || size > p.Part.Max || size%p.Part.Align != 0 {
			t.Fatalf("%s: cell %d has %d bytes", name, i, size)
		}
		if size > p.Part.Min && size > memory/cellsInMemory {
			t.Fatalf("%s: cell %d of %d bytes is more than a sixth of the memory", name, i, size)
		}
		for _, off := range []int64{at, at + 1, at + size/2, at + size - 1} {
			if g.cell(off) != i {
				t.Fatalf("%s: offset %d is in cell %d, want %d", name, off, g.cell(off), i)
			}
		}
		seg := g.segmentOf(i)
		if n := g.number(i); n != parts[seg]+1 || n > p.Part.MaxCount {
			t.Fatalf("%s: cell %d of segment %d has number %d after %d", name, i, seg, n, parts[seg])
		}
		parts[seg]++
		if seg >= 0 && (int64(parts[seg])*size > p.MaxCopy || g.direct+seg+1 > int(p.Part.MaxCount)) {
			t.Fatalf("%s: cell %d: segment %d is not one copied part", name, i, seg)
		}
		at += size
	}
}

func TestMinMemoryHoldsSixCells(t *testing.T) {
	for _, c := range []struct{ min, align, want int64 }{
		{5 * mib, mib, 30 * mib},
		{5*mib + 1, mib, 36 * mib},
		{100_000, 1000, 12 * chunkSize}, // a cell pins whole chunks
		{1, 1, 6 * chunkSize},
	} {
		p := &objstore.Profile{Part: objstore.PartLimits{Min: c.min, Align: c.align}}
		if got := MinMemory(p); got != c.want {
			t.Errorf("parts of %d in steps of %d: %d bytes, want %d", c.min, c.align, got, c.want)
		}
	}
}
