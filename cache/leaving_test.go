package cache_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// What is about to be deleted is not there, however often the store shows it.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMem(t, 1000)
		c := newCache(t, s, cache.Config{})
		for _, k := range []string{"d/", "d/a", "d/b"} {
			put(t, s, k, "")
		}
		names := func() (all string) {
			t.Helper()
			for d := c.ReadDir("d/"); ; {
				e, err := d.Next(t.Context())
				if err != nil {
					return all
				}
				all += e.Name
			}
		}
		found := func(name string) bool {
			t.Helper()
			_, err := c.Lookup(t.Context(), "d/", name)
			if err != nil && !errors.Is(err, objstore.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		check := func(when string, a bool, all string, empty bool) {
			t.Helper()
			isEmpty, _, err := c.Empty(t.Context(), "d/")
			if got := names(); err != nil || found("a") != a || got != all || isEmpty != empty {
				t.Errorf("%s: a is there: %v; listed %q; empty %v, %v", when, found("a"), got, isEmpty, err)
			}
			if _, err := c.Stat(t.Context(), "d/a"); (err == nil) != a {
				t.Errorf("%s: stat: %v", when, err)
			}
		}
		check("before", true, "ab", false)
		c.Leave("d/a")
		check("at once", false, "b", false)
		time.Sleep(time.Minute) // the log has forgotten it, and the store is asked again
		check("after long", false, "b", false)
		c.Leave("d/b")
		time.Sleep(time.Minute)
		check("all", false, "", true)
		c.Stay("d/a")
		check("one stays", true, "a", false)
		if err := s.Delete(t.Context(), "d/b"); err != nil {
			t.Fatal(err)
		}
		c.Left("d/b")
		time.Sleep(time.Minute)
		check("one has left", true, "a", false)
		put(t, s, "d/b", "")
		time.Sleep(time.Minute)
		check("another has its name", true, "ab", false)
	})
}
