package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// looked is the outcome of a Lookup as a word: "file", "dir", "none" or the error.
func looked(c *cache.Cache, dir, name string) string {
	e, err := c.Lookup(context.Background(), dir, name)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return "none"
	case err != nil:
		return err.Error()
	case e.Name != name:
		return "another name: " + e.Name
	case e.Dir:
		return "dir"
	}
	return "file"
}

func TestLookup(t *testing.T) {
	for _, listOnly := range []bool{false, true} {
		for _, page := range []int{1000, 3, 1} {
			t.Run(fmt.Sprintf("page of %d, list only %v", page, listOnly), func(t *testing.T) {
				s := newMem(t, page)
				for _, key := range []string{
					"a", "a.txt", "a-1", "a-2", "a-3", "a-4", "a-5", "a/x", "b/", "b/sub/deep/er", "c//d", "d/../e", "f/./g",
					"new\nline", "per%20cent+", ".hide/x", ".hide.y", "z",
				} {
					put(t, s, key, key)
				}
				c := newCache(t, s, cache.Config{ListOnly: listOnly, Hide: func(key string) bool { return key == ".hide/" || key == ".hide.y" }})
				for _, want := range []struct{ dir, name, is string }{
					{"", "a", "dir"}, {"", "a.txt", "file"}, {"", "a-3", "file"}, {"a/", "x", "file"}, {"a/", "y", "none"},
					{"", "b", "dir"}, {"b/", "sub", "dir"}, {"b/sub/", "deep", "dir"}, {"b/sub/deep/", "er", "file"},
					{"", "c", "dir"}, {"c/", "", "none"}, {"", "d", "dir"}, {"d/", "..", "none"}, {"f/", ".", "none"}, {"", "h\x00i", "none"},
					{"", "new\nline", "file"}, {"", "per%20cent+", "file"}, {"", ".hide", "none"}, {"", ".hide.y", "none"},
					{"", "z", "file"}, {"", "zz", "none"}, {"", "0", "none"}, {"nowhere/", "x", "none"},
				} {
					for range 2 { // the second from what is known
						if got := looked(c, want.dir, want.name); got != want.is {
							t.Errorf("%q in %q: %s, want %s", want.name, want.dir, got, want.is)
						}
					}
				}
			})
		}
	}
}

func TestLookupTellsWhatTheListingTold(t *testing.T) {
	s := newMem(t, 1000)
	want := put(t, s, "d/f", "12345")
	put(t, s, "d/sub/", "")
	c := newCache(t, s, cache.Config{})
	e, err := c.Lookup(context.Background(), "d/", "f")
	if err != nil {
		t.Fatal(err)
	}
	if i := e.Info; i.Key != "d/f" || i.Size != 5 || i.ETag != want.ETag || i.ModTime.IsZero() || i.Full {
		t.Errorf("%+v", i)
	}
	e, err = c.Lookup(context.Background(), "d/", "sub")
	if err != nil || !e.Dir || e.Info.Key != "d/sub/" {
		t.Errorf("%+v, %v", e, err)
	}
	if !slices.Equal(names(t, c, "d/sub/"), nil) {
		t.Error("the marker is shown as an entry")
	}
	if e, err = c.Lookup(context.Background(), "d/", "sub"); err != nil || !e.Marker {
		t.Errorf("marker not known after its directory was read: %+v, %v", e, err)
	}
}

// TestRequestsOfLookup counts what is asked of the store.
func TestRequestsOfLookup(t *testing.T) {
	fill := func(n int) func(*testing.T, *counted) {
		return func(t *testing.T, s *counted) {
			for i := range n {
				put(t, s.Store, fmt.Sprintf("d/f%05d", i), "")
			}
		}
	}
	all := func(n int) func(*cache.Cache) {
		return func(c *cache.Cache) {
			for i := range n {
				looked(c, "d/", fmt.Sprintf("f%05d", i))
				looked(c, "d/", fmt.Sprintf("f%05dx", i))
			}
		}
	}
	for _, tt := range []struct {
		name        string
		fill        func(*testing.T, *counted)
		do          func(*cache.Cache)
		cfg         cache.Config
		heads, list int64
	}{
		{"a known directory costs one LIST", fill(1000), all(1000), cache.Config{}, 0, 1},
		{"so does an absent one", fill(0), all(100), cache.Config{}, 0, 1},
		{"what the first page of a large one shows", fill(1001), all(999), cache.Config{}, 0, 1},
		{"behind it a HEAD and a LIST", fill(1001), func(c *cache.Cache) { looked(c, "d/", "x") }, cache.Config{}, 1, 2},
		{"without HEADs one LIST", fill(1001), func(c *cache.Cache) { looked(c, "d/", "x") }, cache.Config{ListOnly: true}, 0, 2},
		{"a negative answer is kept", fill(1001), func(c *cache.Cache) { looked(c, "d/", "x"); looked(c, "d/", "x") }, cache.Config{}, 1, 2},
		{"a burst lists a page around", fill(3000), func(c *cache.Cache) {
			for i := 1500; i < 2400; i++ {
				looked(c, "d/", fmt.Sprintf("f%05d", i))
			}
		}, cache.Config{}, 8, 1 + 8 + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &counted{Store: newMem(t, 1000)}
			tt.fill(t, s)
			tt.cfg.Now = newClock().Now
			s.ResetCounts()
			tt.do(newCache(t, s, tt.cfg))
			if h, l := s.Calls(objstore.OpHead), s.Calls(objstore.OpList); h != tt.heads || l != tt.list {
				t.Errorf("%d HEADs and %d LISTs, want %d and %d", h, l, tt.heads, tt.list)
			}
		})
	}
}

func TestLookupAgesFromTheMomentTheRequestWasSent(t *testing.T) {
	s := newMem(t, 1000)
	now := newClock()
	slow := &delayed{Store: s, clock: now, by: 400 * time.Millisecond}
	c := newCache(t, slow, cache.Config{Now: now.Now})
	want := func(name, is string) {
		t.Helper()
		if got := looked(c, "", name); got != is {
			t.Errorf("%s: %s, want %s", name, got, is)
		}
	}
	put(t, s, "a", "")
	want("a", "file") // sent at 0, here at 0.4 s
	want("b", "none")
	put(t, s, "b", "") // by somebody else
	del(t, s, "a")
	now.add(599 * time.Millisecond)
	want("a", "file")
	want("b", "none")
	now.add(time.Millisecond)
	want("a", "none")
	want("b", "file")
}

func TestTimesToLive(t *testing.T) {
	now := newClock()
	s := newMem(t, 1)
	c := newCache(t, s, cache.Config{Now: now.Now, AttrTTL: 5 * time.Second, DirTTL: time.Second, NegativeTTL: 3 * time.Second})
	put(t, s, "a", "")
	put(t, s, "m", "")
	looked(c, "", "a")
	for _, step := range []struct {
		wait     time.Duration
		name, is string
		calls    int64
	}{
		{0, "m", "file", 2}, {0, "n", "none", 2}, {0, "a", "file", 0},
		{2 * time.Second, "n", "none", 0}, {0, "m", "file", 0},
		{2 * time.Second, "n", "none", 2}, {0, "m", "file", 1}, // only that nothing is below m is old
		{2 * time.Second, "m", "file", 1}, // only the HEAD of m is
	} {
		now.add(step.wait)
		s.ResetCounts()
		if got := looked(c, "", step.name); got != step.is {
			t.Errorf("%s: %s, want %s", step.name, got, step.is)
		}
		if n := s.Calls(); n != step.calls {
			t.Errorf("%s after %v more: %d requests, want %d", step.name, step.wait, n, step.calls)
		}
	}
}

func TestNothingIsKeptWithNegativeTTLs(t *testing.T) {
	s := newMem(t, 1000)
	c := newCache(t, s, cache.Config{AttrTTL: -1, DirTTL: -1, NegativeTTL: -1})
	for _, is := range []string{"none", "file", "none"} {
		if got := looked(c, "", "a"); got != is {
			t.Errorf("%s, want %s", got, is)
		}
		if is == "none" {
			put(t, s, "a", "")
		} else {
			del(t, s, "a")
		}
	}
}

func TestLookupFailsWithTheStore(t *testing.T) {
	s := &failing{Store: newMem(t, 1000), err: objstore.ErrAccessDenied}
	c := newCache(t, s, cache.Config{})
	if _, err := c.Lookup(context.Background(), "d/", "x"); !errors.Is(err, objstore.ErrAccessDenied) {
		t.Errorf("%v", err)
	}
	s.err = nil
	if got := looked(c, "d/", "x"); got != "none" {
		t.Errorf("the failure was kept: %s", got)
	}
}
