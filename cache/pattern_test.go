package cache

import (
	"math/rand/v2"
	"testing"
)

func TestPattern(t *testing.T) {
	const k = 1 << 10
	type read struct{ off, n int64 }
	for _, c := range []struct {
		name  string
		reads []read
		want  []access
	}{
		{"from the beginning", []read{{0, 128 * k}, {128 * k, 128 * k}}, []access{forward, forward}},
		{"from the middle", []read{{999 * k, 4 * k}, {1003 * k, 4 * k}, {1007 * k, 4 * k}}, []access{random, random, forward}},
		{"from the middle by large reads", []read{{9999 * k, 512 * k}, {10511 * k, 512 * k}}, []access{random, forward}},
		{"from the middle with gaps", []read{{1000 * k, 256 * k}, {1300 * k, 256 * k}, {1600 * k, 256 * k}, {1900 * k, 256 * k}}, []access{random, random, random, forward}},
		{"overtaking at the beginning", []read{{128 * k, 128 * k}, {0, 128 * k}, {256 * k, 128 * k}}, []access{forward, forward, forward}},
		{"overtaking by large reads", []read{{1024 * k, 1024 * k}, {0, 1024 * k}, {3072 * k, 1024 * k}, {2048 * k, 1024 * k}}, []access{forward, forward, forward, forward}},
		{"overtaking", []read{{0, 512 * k}, {512 * k, 128 * k}, {768 * k, 128 * k}, {640 * k, 128 * k}, {896 * k, 128 * k}}, []access{forward, forward, forward, forward, forward}},
		{"with small gaps", []read{{0, 64 * k}, {70 * k, 64 * k}, {140 * k, 64 * k}}, []access{forward, forward, forward}},
		{"backward", []read{{9000 * k, 64 * k}, {8936 * k, 64 * k}, {8872 * k, 64 * k}}, []access{random, random, backward}},
		{"random", []read{{9000 * k, 64 * k}, {2000 * k, 64 * k}, {5000 * k, 64 * k}, {100 * k, 64 * k}}, []access{random, random, random, random}},
		{"strided", []read{{1000 * k, 64 * k}, {2000 * k, 64 * k}, {3000 * k, 64 * k}, {4000 * k, 64 * k}, {5000 * k, 64 * k}}, []access{random, random, random, strided, strided}},
		{"strided backward", []read{{9000 * k, 64 * k}, {8000 * k, 64 * k}, {7000 * k, 64 * k}, {6000 * k, 64 * k}}, []access{random, random, random, strided}},
		{"another length is no stride", []read{{1000 * k, 64 * k}, {2000 * k, 64 * k}, {3000 * k, 64 * k}, {4000 * k, 32 * k}}, []access{random, random, random, random}},
		{"two places by turns", []read{{0, 64 * k}, {90000 * k, 64 * k}, {64 * k, 64 * k}, {90064 * k, 64 * k}, {128 * k, 64 * k}, {90128 * k, 64 * k}}, []access{forward, random, forward, random, forward, forward}},
		{"again from the beginning", []read{{0, 2000 * k}, {2000 * k, 2000 * k}, {4000 * k, 2000 * k}, {0, 2000 * k}, {2000 * k, 2000 * k}}, []access{forward, forward, forward, forward, forward}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p pattern
			for i, r := range c.reads {
				if kind, _, _ := p.observe(r.off, r.n); kind != c.want[i] {
					t.Errorf("read %d, %+v: %v, want %v", i, r, kind, c.want[i])
				}
			}
		})
	}
}

// TestRandomReadsDoNotEndASequence has a sequence go on between random reads.
func TestRandomReadsDoNotEndASequence(t *testing.T) {
	var p pattern
	r := rand.New(rand.NewPCG(1, 2))
	pos := int64(0)
	for range 100 {
		if kind, _, begun := p.observe(pos, 128<<10); kind != forward || begun != (pos == 0) {
			t.Fatalf("at %d: %v, %v", pos, kind, begun)
		}
		pos += 128 << 10
		for range r.IntN(8) {
			p.observe(1<<40+r.Int64N(1<<40), 4096)
		}
	}
}

// TestRandomReadsAreSeldomTaken for a sequence.
func TestRandomReadsAreSeldomTakenForASequence(t *testing.T) {
	var p pattern
	r := rand.New(rand.NewPCG(1, 2))
	mistaken := 0
	for range 10_000 {
		if kind, _, _ := p.observe((1+r.Int64N(4095))*64<<10, 64<<10); kind != random {
			mistaken++
		}
	}
	if mistaken > 100 {
		t.Errorf("%d of 10000 reads in 256 MiB", mistaken)
	}
}

// TestPiecesOfARandomReadAreNoSequence reads here and there as the kernel asks for it,
// which has more and more of the file: what it lacks of a read are pieces side by side.
func TestPiecesOfARandomReadAreNoSequence(t *testing.T) {
	const size, page, pages = 256 << 20, 4 << 10, 17
	var p pattern
	r := rand.New(rand.NewPCG(1, 2))
	var had [size / page]bool
	asked, mistaken := 0, 0
	for range 3000 {
		first := r.IntN(len(had) - pages)
		for i := first; i < first+pages; {
			n := 0
			for i+n < first+pages && !had[i+n] {
				had[i+n] = true
				n++
			}
			if n > 0 {
				asked++
				if kind, _, _ := p.observe(int64(i)*page, int64(n)*page); kind != random {
					mistaken++
				}
			}
			i += n + 1
		}
	}
	if asked < 2500 || mistaken > asked/500 {
		t.Errorf("%d of %d", mistaken, asked)
	}
}
