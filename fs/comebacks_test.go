package fs

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestComeback has a thread look a name up again after it could not open the file: the
// file does not lose the name before the thread has opened it.
func TestComeback(t *testing.T) {
	thread, other := returner{"f", 1}, returner{"f", 2}
	for name, c := range map[string]struct {
		before func(c *comebacks)
		during func(c *comebacks) // while somebody wants to take the name away
		waits  time.Duration
	}{
		"nobody was failed":  {before: func(c *comebacks) { c.looking(thread) }},
		"he does not return": {before: func(c *comebacks) { c.expect(thread) }},
		"he opens it": {
			before: func(c *comebacks) { c.expect(thread); c.looking(thread) },
			during: func(c *comebacks) {
				time.Sleep(time.Millisecond)
				c.came(other)
				time.Sleep(time.Millisecond)
				c.came(thread)
			},
			waits: 2 * time.Millisecond,
		},
		"he has opened it": {before: func(c *comebacks) { c.expect(thread); c.looking(thread); c.came(thread) }},
		"another name":     {before: func(c *comebacks) { c.expect(returner{"g", 1}); c.looking(returner{"g", 1}) }},
		"he dies":          {before: func(c *comebacks) { c.expect(thread); c.looking(thread) }, waits: comebackTime},
		"two of them": {
			before: func(c *comebacks) { c.expect(thread); c.expect(other); c.looking(thread); c.looking(other) },
			during: func(c *comebacks) {
				c.came(other)
				time.Sleep(3 * time.Millisecond)
				c.came(thread)
			},
			waits: 3 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var back comebacks
				c.before(&back)
				if c.during != nil {
					go c.during(&back)
				}
				n := &fileNode{}
				start := time.Now()
				leave, err := back.enter(t.Context(), "f", n, nil)
				if waited := time.Since(start); err != nil || waited < c.waits || waited > c.waits+time.Millisecond {
					t.Errorf("it waits for %v: %v, want %v", waited, err, c.waits)
				}
				if !n.going.Load() || n.operation.tryEnter() {
					t.Error("the gate is not held, or it cannot be seen why")
				}
				leave()
				if n.going.Load() || !n.operation.tryEnter() {
					t.Error("the gate is held, or it seems so")
				}
				time.Sleep(2 * comebackTime)
				if back.looked("f"); len(back.due) > 0 || back.names.Load() != 0 {
					t.Errorf("%d are expected for ever", len(back.due))
				}
			})
		})
	}
}
