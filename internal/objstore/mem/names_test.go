package mem

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// TestNames holds the lazily merged set against a plain one.
func TestNames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var n names
	model := map[string]bool{}
	for i := range 5000 {
		key := strconv.Itoa(rnd.IntN(300))
		switch {
		case model[key]:
			n.remove(key)
			delete(model, key)
		default:
			n.add(key)
			model[key] = true
		}
		if i%37 != 0 {
			continue
		}
		var want []string
		for k := range model {
			want = append(want, k)
		}
		slices.Sort(want)
		if got := n.all(); !slices.Equal(got, want) {
			t.Fatalf("after %d steps: got %v, want %v", i, got, want)
		}
	}
}
