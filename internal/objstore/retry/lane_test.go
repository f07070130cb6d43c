package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// fill takes n places, which must be free.
func fill(t *testing.T, l *lane, n int) []place {
	t.Helper()
	out := make([]place, n)
	for i := range out {
		p, err := l.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out[i] = p
	}
	return out
}

func TestLaneNarrowsOncePerBurst(t *testing.T) {
	l := newLane(8)
	for _, p := range fill(t, l, 8) {
		l.leave(p, throttled)
	}
	if got := l.widthNow(); got != 4 {
		t.Errorf("width %d after one burst, want 4", got)
	}
	for range 10 {
		l.leave(fill(t, l, 1)[0], throttled)
	}
	if got := l.widthNow(); got != 1 {
		t.Errorf("width %d after many bursts, want 1", got)
	}
}

func TestLaneWidensWithSuccessUpToItsBound(t *testing.T) {
	l := newLane(4)
	l.leave(fill(t, l, 1)[0], throttled)
	for range 3 {
		l.leave(fill(t, l, 1)[0], worked)
	}
	if got := l.widthNow(); got != 3 {
		t.Errorf("width %d, want 3 after a width's worth of successes", got)
	}
	for range 100 {
		l.leave(fill(t, l, 1)[0], worked)
	}
	if got := l.widthNow(); got != 4 {
		t.Errorf("width %d, want its bound 4", got)
	}
}

func TestLaneServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(1)
		held := fill(t, l, 1)
		order := make(chan int, 3)
		for i := range 3 {
			go func() {
				p, err := l.enter(t.Context())
				if err != nil {
					t.Error(err)
				}
				order <- i
				l.leave(p, worked)
			}()
			synctest.Wait()
		}
		l.leave(held[0], worked)
		synctest.Wait()
		for i := range 3 {
			if got := <-order; got != i {
				t.Errorf("place %d went to waiter %d", i, got)
			}
		}
	})
}

func TestLaneWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(1)
		held := fill(t, l, 1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := l.enter(ctx)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		l.leave(held[0], worked)
		fill(t, l, 1) // the place was not lost
	})
}

// TestLaneTurnOfOneWhoLeft has a turn given to a waiter whose context has ended:
// it must go on to the next.
func TestLaneTurnOfOneWhoLeft(t *testing.T) {
	l := newLane(1)
	held := fill(t, l, 1)
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.leave(held[0], worked)
	<-turn
	l.giveUp(turn)
	if l.running != 0 {
		t.Fatalf("%d places are lost", l.running)
	}
	fill(t, l, 1)
}
