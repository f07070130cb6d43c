package fs

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestGateExcludes(t *testing.T) {
	var g gate
	var wg sync.WaitGroup
	inside, total := 0, 0
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if err := g.enter(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if inside++; inside != 1 {
					t.Error("two are inside")
				}
				total++
				inside--
				g.leave()
			}
		})
	}
	wg.Wait()
	if total != 8000 {
		t.Errorf("%d entered, want 8000", total)
	}
}

func TestGateWaitEndsWithContext(t *testing.T) {
	var g gate
	if err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("waiting ended with %v, want context.Canceled", err)
	}
	g.leave()
	if err := g.enter(ctx); err != nil {
		t.Errorf("a free gate refuses: %v", err)
	}
}
