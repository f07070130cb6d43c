package uploader

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// plannedFile is a file made at random, as File describes it to the planner.
type plannedFile struct {
	planner
	runs []run
	main bool // an upload was begun: some numbers may be taken
}

// randomFile cuts a file into cells of at least the smallest part and says of
// each whether it was sent, and of what the ranges between are made.
func randomFile(r *rand.Rand, equal, consecutive bool) plannedFile {
	const least = 10
	f := plannedFile{planner: planner{
		min: least, maxCopy: 2*least + r.Int64N(60), maxSend: 2*least + r.Int64N(30),
		maxPart: 100 + r.Int64N(1000), equal: equal, consecutive: consecutive,
	}}
	size := least + r.Int64N(20)
	var at int64
	var cells []cellRange
	for i := range int32(1 + r.IntN(12)) {
		if !equal && r.IntN(4) == 0 {
			size += r.Int64N(10)
		}
		cells = append(cells, cellRange{span{at, at + size}, i + 1})
		at += size
	}
	last := &cells[len(cells)-1]
	last.to -= r.Int64N(last.len()) // the file ends anywhere inside its last cell
	f.maxCount = int32(len(cells)) + r.Int32N(20)
	f.main = r.IntN(3) > 0
	if f.main || equal {
		f.cells = cells
	}
	loose := int64(0)
	for _, c := range cells {
		if f.main && r.IntN(3) == 0 {
			f.between(r, span{loose, c.from})
			f.runs = append(f.runs, run{span: c.span, kind: runSent, number: c.number})
			loose = c.to
		}
	}
	f.between(r, span{loose, last.to})
	return f
}

// between fills a range with runs of which nothing was sent.
func (f *plannedFile) between(r *rand.Rand, s span) {
	for at := s.from; at < s.to; {
		n := run{span: span{at, min(s.to, at+1+r.Int64N(1<<(1+r.IntN(6))))}, kind: runSend, zero: r.IntN(3) == 0}
		if r.IntN(2) == 0 {
			src := source{key: fmt.Sprint(r.IntN(3)), size: 1 << 20}
			n.kind, n.zero = runCopy, false
			n.src = remote{n.span, src, r.Int64N(1000)}
			if held := (span{n.from + r.Int64N(n.len()), n.to}); r.IntN(2) == 0 {
				f.held = f.held.add(held) // read, and still in memory
			}
		} else if !n.zero {
			f.held = f.held.add(n.span)
		}
		if k := len(f.runs); k > 0 && n.kind == runSend && f.runs[k-1].kind == runSend && f.runs[k-1].to == n.from {
			f.runs[k-1].to, f.runs[k-1].zero = n.to, f.runs[k-1].zero && n.zero
		} else {
			f.runs = append(f.runs, n)
		}
		at = n.to
	}
}

// TestPlanProperties plans random files for each kind of store.
func TestPlanProperties(t *testing.T) {
	for _, c := range []struct {
		name               string
		equal, consecutive bool
	}{
		{"free", false, false}, {"consecutive", false, true}, {"equal", true, false}, {"equal and consecutive", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 8))
			planned := 0
			for range 20_000 {
				f := randomFile(r, c.equal, c.consecutive)
				pieces, err := f.plan(f.runs)
				switch {
				case err == nil:
					planned++
					f.check(t, pieces)
				case !errors.Is(err, ErrTooLarge):
					t.Errorf("%v", err)
				case f.cells != nil: // a part a cell is always possible
					t.Errorf("%v", err)
				}
				if t.Failed() {
					t.Fatalf("min %d, copies up to %d, sends up to %d, %d numbers, cells %v, held %v\nruns   %v\npieces %v",
						f.min, f.maxCopy, f.maxSend, f.maxCount, f.cells, f.held, f.runs, pieces)
				}
			}
			if planned < 15_000 {
				t.Errorf("only %d files could be planned", planned)
			}
		})
	}
}

func (f *plannedFile) check(t *testing.T, pieces []piece) {
	t.Helper()
	at, number := int64(0), int32(0)
	for i, p := range pieces {
		last := i == len(pieces)-1
		switch {
		case p.from != at || p.to <= p.from:
			t.Errorf("piece %d is %v, want it to begin at %d", i, p.span, at)
		case !last && p.len() < f.min:
			t.Errorf("piece %d of %d bytes is smaller than a part may be", i, p.len())
		case p.number <= number || p.number > f.maxCount:
			t.Errorf("piece %d has number %d after %d, of %d", i, p.number, number, f.maxCount)
		case f.consecutive && p.number != int32(i)+1:
			t.Errorf("piece %d has number %d: a gap", i, p.number)
		case f.equal && (!last && p.len() != pieces[0].len() || p.len() > pieces[0].len()):
			t.Errorf("piece %d has %d bytes, the first %d", i, p.len(), pieces[0].len())
		case p.kind == runCopy && (p.len() > f.maxCopy || p.src.span != p.span):
			t.Errorf("piece %d copies %v of %v", i, p.src.span, p.span)
		}
		at, number = p.to, p.number
		f.checkOrigin(t, p)
	}
	if end := f.runs[len(f.runs)-1].to; at != end {
		t.Errorf("the pieces end at %d, the file at %d", at, end)
	}
}

// checkOrigin makes sure that a piece has the bytes of the runs that it covers.
func (f *plannedFile) checkOrigin(t *testing.T, p piece) {
	t.Helper()
	for _, r := range f.runs {
		if r.to <= p.from || r.from >= p.to {
			continue
		}
		switch {
		case p.kind == runSent && (r.kind != runSent || r.span != p.span || r.number != p.number),
			p.kind != runSent && r.kind == runSent:
			t.Errorf("piece %v %v is made of run %v %v", p.kind, p.span, r.kind, r.span)
		case p.kind == runCopy && (r.kind != runCopy || r.from > p.from || r.to < p.to ||
			p.src.src != r.src.src || p.src.off-p.from != r.src.off-r.from):
			t.Errorf("piece %v of %v copies from run %v", p.span, p.src, r)
		}
	}
}

// TestPlanCosts pins what the usual changes of an object cost on S3.
func TestPlanCosts(t *testing.T) {
	const patch = 4 * kib
	object := func(from, to, off int64) run {
		return run{span: span{from, to}, kind: runCopy, src: remote{span{from, to}, source{key: "o", size: gib}, off}}
	}
	written := func(from, to int64) run { return run{span: span{from, to}, kind: runSend} }
	middle := 512 * mib
	for _, c := range []struct {
		name  string
		runs  []run
		held  spans
		want  []span // the pieces
		fetch int64  // bytes to download
	}{
		{
			"a patch in the middle", []run{object(0, middle, 0), written(middle, middle+patch), object(middle+patch, gib, middle+patch)}, nil,
			[]span{{0, middle}, {middle, middle + 5*mib}, {middle + 5*mib, gib}}, 5*mib - patch,
		},
		{
			"a patch of what was just read", []run{object(0, middle, 0), written(middle, middle+patch), object(middle+patch, gib, middle+patch)},
			spans{{middle - 6*mib, middle + mib}},
			[]span{{0, middle + patch - 5*mib}, {middle + patch - 5*mib, middle + patch}, {middle + patch, gib}}, 0,
		},
		{
			"a patch at the start", []run{written(0, patch), object(patch, gib, patch)}, nil,
			[]span{{0, 5 * mib}, {5 * mib, gib}}, 5*mib - patch,
		},
		{
			"a patch at the end", []run{object(0, gib-patch, 0), written(gib-patch, gib)}, nil,
			[]span{{0, gib - patch}, {gib - patch, gib}}, 0,
		},
		{
			"a patch just before the end", []run{object(0, gib-2*patch, 0), written(gib-2*patch, gib-patch), object(gib-patch, gib, gib-patch)}, nil,
			[]span{{0, gib - 2*patch}, {gib - 2*patch, gib}}, patch,
		},
		{
			"a patch behind a short start", []run{object(0, patch, 0), written(patch, 2*patch), object(2*patch, gib, 2*patch)}, nil,
			[]span{{0, 5 * mib}, {5 * mib, gib}}, 5*mib - patch,
		},
		{
			"an append", []run{object(0, 100_000_007, 0), written(100_000_007, 100_000_007+mib)}, nil,
			[]span{{0, 100_000_007}, {100_000_007, 100_000_007 + mib}}, 0,
		},
		{
			"two patches", []run{
				object(0, middle, 0), written(middle, middle+patch), object(middle+patch, middle+20*mib, middle+patch),
				written(middle+20*mib, middle+20*mib+patch), object(middle+20*mib+patch, gib, middle+20*mib+patch),
			}, nil,
			[]span{{0, middle}, {middle, middle + 5*mib}, {middle + 5*mib, middle + 20*mib}, {middle + 20*mib, middle + 25*mib}, {middle + 25*mib, gib}},
			2 * (5*mib - patch),
		},
	} {
		p := newPlanner(profileNamed(t, "aws"), 64*mib)
		p.held = c.held
		for _, r := range c.runs {
			if r.kind == runSend {
				p.held = p.held.add(r.span)
			}
		}
		pieces, err := p.plan(c.runs)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []span
		fetch := int64(0)
		for _, pc := range pieces {
			got = append(got, pc.span)
			if pc.kind == runSend {
				fetch += pc.len() - p.held.within(pc.span).total()
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) || fetch != c.fetch {
			t.Errorf("%s: %v and %d bytes fetched, want %v and %d", c.name, got, fetch, c.want, c.fetch)
		}
	}
}

// TestPlanZeros sends holes in parts as large as the store takes them, however
// few numbers there are, and never in larger ones.
func TestPlanZeros(t *testing.T) {
	for _, c := range []struct {
		name   string
		part   objstore.PartLimits
		size   int64
		pieces int
	}{
		{"usual", objstore.PartLimits{Min: 5 * mib, Max: 5 * gib, Align: mib, MaxCount: 10_000}, 512 * gib, 2048},
		{"few numbers", objstore.PartLimits{Min: 5 * mib, Max: 5 * gib, Align: mib, MaxCount: 1000}, 512 * gib, 500},
		{"small parts", objstore.PartLimits{Min: 5 * mib, Max: 100 * mib, Align: mib, MaxCount: 10_000}, gib, 11},
	} {
		p := newPlanner(&objstore.Profile{Part: c.part, MaxCopy: 5 * gib}, 64*mib)
		pieces, err := p.plan([]run{{span: span{0, c.size}, kind: runSend, zero: true}})
		if err != nil || len(pieces) != c.pieces {
			t.Errorf("%s: %d pieces, %v; want %d", c.name, len(pieces), err, c.pieces)
		}
		for _, pc := range pieces {
			if pc.len() > c.part.Max {
				t.Errorf("%s: a part of %d bytes", c.name, pc.len())
				break
			}
		}
	}
}
