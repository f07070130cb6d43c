package uploader

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpans holds the set against one of single bytes.
func TestSpans(t *testing.T) {
	const size = 64
	r := rand.New(rand.NewPCG(1, 2))
	random := func() span {
		from := r.Int64N(size)
		return span{from, from + r.Int64N(size-from+1)}
	}
	for range 2000 {
		var s spans
		var have [size]bool
		for range 1 + r.IntN(12) {
			n, put := random(), r.IntN(3) > 0
			before := slices.Clone(s)
			next := s.remove(n)
			if put {
				next = s.add(n)
			} else if !slices.Equal(before, s) {
				t.Fatalf("remove changed %v to %v", before, s)
			}
			s = next
			for i := n.from; i < n.to; i++ {
				have[i] = put
			}
			checkSpans(t, s, have[:], random())
		}
	}
}

func checkSpans(t *testing.T, s spans, have []bool, n span) {
	t.Helper()
	for i := 1; i < len(s); i++ {
		if s[i-1].to >= s[i].from {
			t.Fatalf("not ascending and apart: %v", s)
		}
	}
	var in, out [64]bool
	mark := func(to *[64]bool, list spans) {
		for _, x := range list {
			if x.from >= x.to {
				t.Fatalf("empty range in %v", list)
			}
			for i := x.from; i < x.to; i++ {
				to[i] = true
			}
		}
	}
	mark(&in, s)
	total, all, any := int64(0), true, false
	for i, h := range have {
		if in[i] != h {
			t.Fatalf("%v: byte %d is %v, want %v", s, i, in[i], h)
		}
		if h {
			total++
		}
		if int64(i) >= n.from && int64(i) < n.to {
			all, any = all && h, any || h
		}
	}
	if s.total() != total || s.has(n) != all || n.len() > 0 && s.touches(n) != any {
		t.Fatalf("%v: total %d, has %v, touches %v for %v; want %d, %v, %v", s, s.total(), s.has(n), s.touches(n), n, total, all, any)
	}
	in = [64]bool{}
	mark(&in, s.within(n))
	mark(&out, s.gaps(n))
	for i, h := range have {
		inside := int64(i) >= n.from && int64(i) < n.to
		if in[i] != (inside && h) || out[i] != (inside && !h) {
			t.Fatalf("%v in %v: byte %d is within %v, a gap %v; want %v, %v", s, n, i, in[i], out[i], inside && h, inside && !h)
		}
	}
	if n.len() == 0 {
		return
	}
	at := n.from
	for _, c := range cut(s, n.from, n.to) {
		if c.from != at || c.held != have[c.from] {
			t.Fatalf("%v cut to %v: %v", s, n, c)
		}
		at = c.to
	}
	if at != n.to {
		t.Fatalf("%v cut to %v ends at %d", s, n, at)
	}
}

// TestRemotes holds the ranges of objects against a table of single bytes.
func TestRemotes(t *testing.T) {
	const size = 64
	type origin struct {
		src source
		off int64
	}
	sources := []source{{}, {key: "a", etag: "1"}, {key: "a", etag: "2"}, {key: "b", etag: "1", hidden: true}}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var list remotes
		var want [size]origin
		for range 1 + r.IntN(12) {
			from := r.Int64N(size)
			n := span{from, from + r.Int64N(size-from+1)}
			src := sources[r.IntN(len(sources))]
			off := n.from // so that neighbours may continue each other
			if r.IntN(3) == 0 {
				off = r.Int64N(100)
			}
			if src == (source{}) {
				list = list.remove(n)
			} else {
				list = list.put(remote{n, src, off})
			}
			for i := n.from; i < n.to; i++ {
				want[i] = origin{src, off + i - n.from}
			}
			var got [size]origin
			for i, x := range list {
				if x.from >= x.to || i > 0 && (list[i-1].to > x.from || list[i-1].continues(x)) {
					t.Fatalf("not ascending, disjoint and merged: %v", list)
				}
			}
			window := span{r.Int64N(size), size}
			for _, x := range append(list.within(span{0, window.from}), list.within(window)...) {
				for i := x.from; i < x.to; i++ {
					got[i] = origin{x.src, x.off + i - x.from}
				}
			}
			total := int64(0)
			for i := range want {
				if want[i].src != (source{}) {
					total++
				} else {
					want[i].off = 0
				}
				if got[i] != want[i] {
					t.Fatalf("byte %d comes from %v, want %v: %v", i, got[i], want[i], list)
				}
			}
			if list.total() != total {
				t.Fatalf("%d bytes, want %d: %v", list.total(), total, list)
			}
		}
	}
}
