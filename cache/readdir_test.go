package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestReadDir(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want []string
	}{
		{"nothing", nil, nil},
		{"only a marker", []string{""}, nil},
		{"files and directories", []string{"", "a", "b/", "b/x", "c/d/e"}, []string{"a", "b/", "c/"}},
		{"a file and a directory of one name", []string{"a", "a!", "a-", "a.", "a/x", "a0"}, []string{"a!", "a-", "a.", "a/", "a0"}},
		{"nested beginnings", []string{"a", "a.b", "a.b.c", "a.b.c/x", "a.b/x", "a.c", "a/x"}, []string{"a.b.c/", "a.b/", "a.c", "a/"}},
		{"held back files that are shown", []string{"a", "a.b", "a.b.c", "b"}, []string{"a", "a.b", "a.b.c", "b"}},
		{"names that no path holds", []string{"/x", "./x", "../x", strings.Repeat("x", 256), "ok"}, []string{"ok"}},
		{"odd names", []string{" ", "\n", "%2F", "+", strings.Repeat("y", 255)}, []string{"\n", " ", "%2F", "+", strings.Repeat("y", 255)}},
	} {
		for _, page := range []int{1000, 3, 2, 1} {
			for _, ttl := range []time.Duration{time.Second, -1} {
				t.Run(fmt.Sprintf("%s, pages of %d, ttl %v", c.name, page, ttl), func(t *testing.T) {
					s := newMem(t, page)
					for _, k := range c.keys {
						put(t, s, "d/"+k, "")
					}
					put(t, s, "e", "")
					cc := newCache(t, s, cache.Config{DirTTL: ttl})
					for range 2 {
						got := names(t, cc, "d/")
						slices.Sort(got) // held back files come late
						want := slices.Sorted(slices.Values(c.want))
						if !slices.Equal(got, want) {
							t.Errorf("%q, want %q", got, want)
						}
					}
				})
			}
		}
	}
}

func TestAShadowedFileIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	s := newMem(t, 1000)
	put(t, s, "a", "")
	put(t, s, "a/b", "")
	c := newCache(t, s, cache.Config{Log: logrus.NewEntry(log)})
	for range 3 {
		looked(c, "", "a")
		names(t, c, "")
	}
	if n := strings.Count(out.String(), "key=a\n"); n != 1 {
		t.Errorf("%d warnings in:\n%s", n, out.String())
	}
}

func TestRequestsOfReadDir(t *testing.T) {
	s := newMem(t, 1000)
	for i := range 2500 {
		put(t, s, fmt.Sprintf("d/%05d", i), "")
	}
	now := newClock()
	c := newCache(t, s, cache.Config{Now: now.Now})
	want := func(calls int64, what string) {
		t.Helper()
		if n := s.Calls(objstore.OpList, objstore.OpHead); n != calls {
			t.Errorf("%s: %d requests, want %d", what, n, calls)
		}
		s.ResetCounts()
	}
	s.ResetCounts()
	looked(c, "d/", "00000")
	want(1, "the first Lookup")
	if n := len(names(t, c, "d/")); n != 2500 {
		t.Errorf("%d entries", n)
	}
	want(2, "the rest")
	names(t, c, "d/")
	looked(c, "d/", "02400")
	looked(c, "d/", "02400x")
	want(0, "again")
	now.add(time.Second)
	names(t, c, "d/")
	want(3, "after its time")
}

func TestTooLargeADirectoryIsStreamed(t *testing.T) {
	s := newMem(t, 100)
	for i := range 1000 {
		put(t, s, fmt.Sprintf("d/%05d", i), "")
	}
	c := newCache(t, s, cache.Config{Now: newClock().Now, Entries: 350})
	s.ResetCounts()
	for range 2 {
		if n := len(names(t, c, "d/")); n != 1000 {
			t.Errorf("%d entries", n)
		}
	}
	if n := s.Calls(objstore.OpList); n < 19 || n > 20 {
		t.Errorf("%d LISTs, want at most one of the 20 saved", n)
	}
	s.ResetCounts()
	looked(c, "d/", "00050")
	if n := s.Calls(); n != 0 {
		t.Errorf("the first page is not known: %d requests", n)
	}
}

// TestFirstEntriesComeWithTheFirstPage holds back every page but the first.
func TestFirstEntriesComeWithTheFirstPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMem(t, 10)
		for i := range 30 {
			put(t, s, fmt.Sprintf("d/%05d", i), "")
		}
		g := &gated{Store: s}
		c := newCache(t, g, cache.Config{})
		d := c.ReadDir("d/")
		got := make(chan string, 100)
		go func() {
			defer close(got)
			for {
				e, err := d.Next(context.Background())
				if err != nil {
					return
				}
				got <- e.Name
			}
		}()
		first := func(int) int { return 0 }
		synctest.Wait()
		g.step(first)
		synctest.Wait()
		g.step(first)
		synctest.Wait()
		if n := len(got); n != 9 { // below the last one might be a directory
			t.Errorf("%d entries after the first page", n)
		}
		if g.mu.Lock(); len(g.stopped) != 1 {
			t.Errorf("%d requests under way, want the next page", len(g.stopped))
		}
		g.open = true
		g.mu.Unlock()
		g.step(first)
		synctest.Wait()
		if n := len(got); n != 30 {
			t.Errorf("%d entries in all", n)
		}
	})
}

func TestReadDirGoesOnAfterAnError(t *testing.T) {
	s := newMem(t, 2)
	for i := range 6 {
		put(t, s, fmt.Sprint(i), "")
	}
	f := &failing{Store: s}
	now := newClock()
	c := newCache(t, f, cache.Config{Now: now.Now})
	d := c.ReadDir("")
	var got []string
	for {
		e, err := d.Next(context.Background())
		if err == io.EOF {
			break
		}
		if errors.Is(err, objstore.ErrUnavailable) {
			f.set(nil)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.Name); len(got)%2 == 1 {
			f.set(objstore.ErrUnavailable)
			now.add(time.Minute) // what was read ahead is too old
		}
	}
	if fmt.Sprint(got) != "[0 1 2 3 4 5]" {
		t.Errorf("%q", got)
	}
}

func TestASlowReaderDoesNotResurrect(t *testing.T) {
	now := newClock()
	b := newBucket(t, 4, cache.Config{Now: now.Now})
	for i := range 12 {
		put(t, b.s, fmt.Sprintf("d/%02d", i), "")
	}
	d := b.c.ReadDir("d/")
	next := func() string {
		e, err := d.Next(context.Background())
		if err != nil {
			return err.Error()
		}
		return e.Name
	}
	next()
	b.remove("d/01")
	if got := next(); got != "02" {
		t.Errorf("got %s after 01 was removed", got)
	}
	b.remove("d/03")
	b.remove("d/05")
	now.add(time.Hour)
	b.put("d/e")
	b.put("d/04x")
	for _, want := range []string{"04", "04x", "06", "07", "08", "09", "10", "11", "e", "EOF"} {
		if got := next(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, page := range []int{1000, 1} {
		b := newBucket(t, page, cache.Config{Now: newClock().Now})
		for _, key := range []string{"marked/", "full/", "full/x", "implied/x", "odd//x"} {
			put(t, b.s, key, "")
		}
		want := func(dir string, empty, marker bool) {
			t.Helper()
			if e, m, err := b.c.Empty(context.Background(), dir); e != empty || m != marker || err != nil {
				t.Errorf("pages of %d: %s: empty %v, marker %v, %v", page, dir, e, m, err)
			}
		}
		want("marked/", true, true)
		want("full/", false, true)
		want("implied/", false, false)
		want("none/", true, false)
		want("odd/", false, false)
		b.remove("full/x")
		want("full/", true, true)
		b.mkdir("new/")
		b.free(func() { want("new/", true, true) })
	}
}
