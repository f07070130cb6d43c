package cache

import (
	"testing"
	"time"
)

// TestClimb has lines on which GETs share a rate, or have one each, or both.
func TestClimb(t *testing.T) {
	for _, c := range []struct {
		name        string
		each, all   float64 // bytes a second: of one GET, of all together
		least, most int64   // the level after a while
	}{
		{"one processor for all", 2e9, 1e9, minParallel, minParallel},
		{"a rate for each", 100e6, 1e12, 20, maxParallel},
		{"a rate for each until the line is full", 100e6, 1.2e9, 10, maxParallel},
	} {
		t.Run(c.name, func(t *testing.T) {
			climb, now := newClimb(), time.Unix(1000, 0)
			var levels int64
			const gets, watched = 20_000, 10_000
			for i := range gets {
				rate := min(c.each*float64(climb.now()), c.all)
				now = now.Add(time.Duration(maxRun / rate * float64(time.Second)))
				climb.saw(maxRun, now, maxParallel)
				if i >= gets-watched {
					levels += climb.now()
				}
			}
			if mean := levels / watched; mean < c.least || mean > c.most {
				t.Errorf("%d GETs at once, want %d to %d", mean, c.least, c.most)
			}
		})
	}
}

// TestClimbIsNotToldByAPause has a reader that rests now and then.
func TestClimbIsNotToldByAPause(t *testing.T) {
	climb, now := newClimb(), time.Unix(1000, 0)
	for i := range 10_000 {
		now = now.Add(time.Duration(maxRun / (100e6 * float64(climb.now())) * float64(time.Second)))
		if i%100 == 0 {
			now = now.Add(10 * time.Second)
		}
		climb.saw(maxRun, now, maxParallel)
	}
	if n := climb.now(); n < maxParallel/2 {
		t.Errorf("%d GETs at once", n)
	}
}
