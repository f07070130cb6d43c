package uploader_test

import (
	"slices"
	"strings"
	"testing"
)

// must plays a sequence, on the given ground or on one of its own. If it fails, it
// is shown as short as it can be made.
func must(t *testing.T, k kind, seed uint64, seq []operation, g *ground) {
	t.Helper()
	if g == nil {
		g = newGround(t, k)
		defer g.close(t)
	}
	failed, err := g.play(seq)
	if err == nil {
		return
	}
	t.Errorf("sequence %d: %v\n%s", seed, err, formatSequence(seq[:min(failed+1, len(seq))]))
	shrink(t, seq, func(seq []operation) error {
		alone := newGround(t, k)
		defer alone.close(t)
		_, err := alone.play(seq)
		return err
	})
}

// tries is how often a sequence is played to see whether it fails: what parts do
// on their way is not the same each time.
const tries = 20

// shrink takes out of a failing sequence whatever it fails without, and shows
// what is left, to be kept in model_kept_test.go.
func shrink(t *testing.T, seq []operation, play func([]operation) error) {
	t.Helper()
	fails := func(seq []operation) (err error) {
		for range tries {
			if err = play(seq); err != nil {
				break
			}
		}
		return err
	}
	err := fails(seq)
	if err == nil {
		t.Errorf("it does not fail again in %d times on a ground of its own", tries)
		return
	}
	for size := len(seq) / 2; size > 0; {
		shorter := false
		for from := 0; from < len(seq); {
			without := slices.Delete(slices.Clone(seq), from, min(from+size, len(seq)))
			if e := fails(without); e != nil {
				seq, err, shorter = without, e, true
			} else {
				from += size
			}
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	t.Errorf("in short: %v\n%s", err, strings.TrimSpace(formatSequence(seq)))
}
