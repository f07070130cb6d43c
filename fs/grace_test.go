package fs

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestGrace(t *testing.T) {
	var g grace
	var done []string
	then := func(name string) func() { return func() { done = append(done, name) } }
	expect := func(want ...string) {
		t.Helper()
		if len(done) != len(want) {
			t.Fatalf("done %v, want %v", done, want)
		}
		for i := range want {
			if done[i] != want[i] {
				t.Fatalf("done %v, want %v", done, want)
			}
		}
	}
	g.after(then("at once"))
	expect("at once")

	first := g.enter()
	g.after(then("after first"))
	second := g.enter() // began later: nothing that came before waits for it
	expect("at once")
	g.after(then("after both"))
	third := g.enter()
	g.leave(first)
	expect("at once", "after first")
	g.leave(second)
	expect("at once", "after first", "after both")
	g.leave(third)
	expect("at once", "after first", "after both")
}

// A callback must not run while a request that was running before is still
// running, whatever else comes and goes.
func TestGraceUnderLoad(t *testing.T) {
	var g grace
	var early atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				ended := new(atomic.Bool)
				epoch := g.enter()
				g.after(func() {
					if !ended.Load() {
						early.Add(1)
					}
				})
				ended.Store(true)
				g.leave(epoch)
			}
		})
	}
	wg.Wait()
	if n := early.Load(); n > 0 {
		t.Errorf("%d callbacks came too early", n)
	}
	if len(g.waiting) > 0 || len(g.running) > 0 {
		t.Errorf("%d callbacks and %d epochs are left", len(g.waiting), len(g.running))
	}
}
