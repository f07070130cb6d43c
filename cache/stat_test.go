package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

func mode(value string) func(*objstore.PutOptions) {
	return func(o *objstore.PutOptions) { o.Metadata = map[string]string{"mode": value} }
}

func statMode(t *testing.T, c *cache.Cache, key string) string {
	t.Helper()
	info, err := c.Stat(context.Background(), key)
	if err != nil || !info.Full {
		t.Errorf("%s: %+v, %v", key, info, err)
	}
	return info.Metadata["mode"]
}

func TestStat(t *testing.T) {
	now := newClock()
	s := newMem(t, 1000, mem.WithClock(now.Now))
	put(t, s, "d/f", "x", mode("1"))
	put(t, s, "d/", "", mode("2"))
	c := newCache(t, s, cache.Config{Now: now.Now})
	ctx := context.Background()
	for range 2 {
		if m := statMode(t, c, "d/f"); m != "1" {
			t.Errorf("mode %s", m)
		}
		if m := statMode(t, c, "d/"); m != "2" {
			t.Errorf("mode %s of the marker", m)
		}
		for _, key := range []string{"", "d", "d/g", "e/"} {
			if _, err := c.Stat(ctx, key); !errors.Is(err, objstore.ErrNotFound) {
				t.Errorf("%q: %v", key, err)
			}
		}
	}
	if n := s.Calls(objstore.OpHead); n != 5 {
		t.Errorf("%d HEADs, want 5", n)
	}
	names(t, c, "d/")
	s.ResetCounts()
	if _, err := c.Stat(ctx, "d/absent"); !errors.Is(err, objstore.ErrNotFound) || s.Calls() != 0 {
		t.Errorf("a listing tells that there is nothing: %v, %d requests", err, s.Calls())
	}
}

// TestMetadataIsKeptWhileListingsShowTheSameObject is about what may be known
// beyond AttrTTL.
func TestMetadataIsKeptWhileListingsShowTheSameObject(t *testing.T) {
	nothing := func(*testing.T, *mem.Store) {}
	chmod := func(t *testing.T, s *mem.Store) {
		o := objstore.CopyOptions{Replace: true}
		o.Metadata = map[string]string{"mode": "2"}
		if _, err := s.Copy(context.Background(), "d/f", objstore.CopySource{Key: "d/f"}, o); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		behind time.Duration // the store's clock
		age    time.Duration // of the object when it was HEADed
		wait   time.Duration // until something happens
		then   func(*testing.T, *mem.Store)
		want   string
		heads  int64
	}{
		{"nothing happens", 0, time.Minute, time.Minute, nothing, "1", 0},
		{"it was young", 0, 3 * time.Second, time.Minute, nothing, "1", 0},
		{"it was too young", 0, time.Second, time.Minute, nothing, "1", 1},
		{"it is replaced", 0, time.Minute, time.Minute, func(t *testing.T, s *mem.Store) { put(t, s, "d/f", "other", mode("2")) }, "2", 1},
		{"it is replaced by the same", 0, time.Minute, time.Minute, func(t *testing.T, s *mem.Store) { put(t, s, "d/f", "x", mode("2")) }, "2", 1},
		{"only its metadata is replaced", 0, time.Minute, time.Minute, chmod, "2", 1},
		{"and at once", 0, 3 * time.Second, 0, chmod, "2", 1},
		{"and in the second in which it was made", 0, 0, 0, chmod, "2", 1},
		{"by a store whose clock is behind", time.Hour, 0, 0, chmod, "2", 1},
		{"by a store whose clock is ahead", -time.Hour, time.Minute, time.Minute, nothing, "1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := newClock()
			s := newMem(t, 1000, mem.WithClock(func() time.Time { return now.Now().Add(-tt.behind) }))
			put(t, s, "d/f", "x", mode("1"))
			c := newCache(t, s, cache.Config{Now: now.Now})
			now.add(tt.age)
			statMode(t, c, "d/f")
			now.add(tt.wait)
			tt.then(t, s)
			now.add(time.Second)
			s.ResetCounts()
			names(t, c, "d/") // a listing that is young
			if m := statMode(t, c, "d/f"); m != tt.want || s.Calls(objstore.OpHead) != tt.heads {
				t.Errorf("mode %s after %d HEADs, want %s after %d", m, s.Calls(objstore.OpHead), tt.want, tt.heads)
			}
			e, err := c.Lookup(context.Background(), "d/", "f")
			if err != nil || !e.Info.Full || e.Info.Metadata["mode"] != tt.want {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

// TestOwnMetadataIsNotHiddenByAnOlderHEAD: a copy onto itself keeps the ETag.
func TestOwnMetadataIsNotHiddenByAnOlderHEAD(t *testing.T) {
	now := newClock()
	b := newBucket(t, 1000, cache.Config{Now: now.Now, DirTTL: -1, AttrTTL: time.Minute})
	put(t, b.s, "d/f", "x", mode("1"))
	statMode(t, b.c, "d/f")
	o := objstore.CopyOptions{Replace: true}
	o.Metadata = map[string]string{"mode": "2"}
	info, err := b.s.Copy(context.Background(), "d/f", objstore.CopySource{Key: "d/f"}, o)
	if err != nil {
		t.Fatal(err)
	}
	info.Full, info.ObjectOptions = true, o.ObjectOptions
	b.c.Publish(info)
	b.s.ResetCounts()
	for range 2 {
		d := b.c.ReadDir("d/") // its listing is younger than the change
		if e, err := d.Next(context.Background()); err != nil || e.Info.Metadata["mode"] != "2" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if n := b.s.Calls(objstore.OpHead); n != 0 {
		t.Errorf("%d HEADs for what this mount knows", n)
	}
	b.c.Invalidate("d/f")
	d := b.c.ReadDir("d/")
	if e, err := d.Next(context.Background()); err != nil || e.Info.Full {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestStatAhead(t *testing.T) {
	s := newMem(t, 1000)
	var keys []string
	for i := range 100 {
		key := fmt.Sprint("f", i)
		if keys = append(keys, key); i%10 != 0 {
			put(t, s, key, key, mode(key))
		}
	}
	c := newCache(t, s, cache.Config{Heads: 4, Now: newClock().Now})
	statMode(t, c, "f1") // is known, and not asked for again
	c.StatAhead(context.Background(), keys)
	if n := s.Counts()[objstore.OpHead]; n.Calls != 100 || n.Peak > 4 {
		t.Errorf("%d HEADs, %d at once", n.Calls, n.Peak)
	}
	for i, key := range keys {
		info, err := c.Stat(context.Background(), key)
		switch {
		case i%10 == 0 && !errors.Is(err, objstore.ErrNotFound):
			t.Errorf("%s: %v", key, err)
		case i%10 != 0 && (err != nil || info.Metadata["mode"] != key):
			t.Errorf("%s: %+v, %v", key, info, err)
		}
	}
	c.StatAhead(context.Background(), nil)
	ended, end := context.WithCancel(context.Background())
	end()
	c.StatAhead(ended, []string{"others", "more"})
	if n := s.Calls(objstore.OpHead); n != 100 {
		t.Errorf("%d HEADs, want 100", n)
	}
}

// TestWhatIsAskedForAheadIsAskedForOnce has somebody need what is on its way, and
// the cache closed while it is.
func TestWhatIsAskedForAheadIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMem(t, 1000)
		put(t, s, "f", "x", mode("1"))
		g := &gated{Store: s}
		c := newCache(t, g, cache.Config{})
		ahead := func() { c.StatAhead(context.Background(), []string{"f"}) }
		go ahead()
		synctest.Wait()
		result := make(chan error, 1)
		go func() {
			_, err := c.Stat(context.Background(), "f")
			result <- err
		}()
		go ahead()
		synctest.Wait()
		for g.step(func(int) int { return 0 }) {
			synctest.Wait()
		}
		if err := <-result; err != nil || s.Calls(objstore.OpHead) != 1 {
			t.Errorf("%v, %d HEADs", err, s.Calls(objstore.OpHead))
		}
		time.Sleep(time.Minute)
		go ahead()
		synctest.Wait()
		c.Close()
		c.StatAhead(context.Background(), []string{"f"})
	})
}

// TestWhatHasJustComeIsNotAskedForAgain has several look at the same objects at once,
// where answers come so soon that one may come between the look of another and its request.
func TestWhatHasJustComeIsNotAskedForAgain(t *testing.T) {
	s := newMem(t, 1000)
	var keys []string
	for i := range 2000 {
		key := fmt.Sprint("f", i)
		keys = append(keys, key)
		put(t, s, key, key, mode(key))
	}
	c := newCache(t, s, cache.Config{Now: newClock().Now})
	var looking sync.WaitGroup
	for range 4 {
		looking.Go(func() {
			for _, key := range keys {
				if _, err := c.Stat(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
		looking.Go(func() { c.StatAhead(t.Context(), keys) })
	}
	looking.Wait()
	if n := s.Calls(objstore.OpHead); n != int64(len(keys)) {
		t.Errorf("%d HEADs for %d objects", n, len(keys))
	}
}

// TestIdenticalRequestsAreSentOnce also checks that a caller who goes away
// leaves the request to the others, and to itself when it comes back.
func TestIdenticalRequestsAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMem(t, 1000)
		put(t, s, "d/a", "")
		g := &gated{Store: s}
		c := newCache(t, g, cache.Config{})
		ctx, cancel := context.WithCancel(context.Background())
		results := make(chan error, 10)
		ask := func(ctx context.Context) {
			go func() {
				_, err := c.Lookup(ctx, "d/", "a")
				results <- err
			}()
			synctest.Wait()
		}
		ask(ctx)
		ask(context.Background())
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		ask(context.Background())
		first := func(int) int { return 0 }
		for g.step(first) {
			synctest.Wait()
		}
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if n := s.Calls(objstore.OpList, objstore.OpHead); n != 1 {
			t.Errorf("%d requests for one thing", n)
		}
	})
}

func TestWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{Store: newMem(t, 1000)}
		c := newCache(t, g, cache.Config{Waiters: 3})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for i := range 10 { // all of them go, their requests stay
			go looked(c, fmt.Sprint(i, "/"), "x")
		}
		synctest.Wait()
		g.mu.Lock()
		if n := len(g.stopped); n != 3 {
			t.Errorf("%d requests under way", n)
		}
		g.mu.Unlock()
		if _, err := c.Lookup(ctx, "d/", "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		g.mu.Lock()
		g.open = true
		g.mu.Unlock()
		for g.step(func(int) int { return 0 }) {
			synctest.Wait()
		}
	})
}

func TestCloseEndsRequestsAndCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{Store: newMem(t, 1000)}
		c := newCache(t, g, cache.Config{})
		results := make(chan error, 10)
		go func() {
			_, err := c.Lookup(context.Background(), "d/", "a")
			results <- err
		}()
		go func() {
			_, err := c.ReadDir("e/").Next(context.Background())
			results <- err
		}()
		synctest.Wait()
		c.Close()
		for range 2 {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		c.Close()
		if _, err := c.Lookup(context.Background(), "d/", "a"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// TestASlowAnswerIsCorrectedAndUsed has changes that are older than their time
// to live when the answer comes that misses them.
func TestASlowAnswerIsCorrectedAndUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMem(t, 1000)
		put(t, s, "d/old", "")
		g := &gated{Store: s}
		b := &bucket{t, s, newCache(t, g, cache.Config{})}
		result := make(chan []string, 1)
		go func() { result <- names(t, b.c, "d/") }()
		synctest.Wait()
		first := func(int) int { return 0 }
		g.step(first) // answered, on its way
		synctest.Wait()
		b.put("d/new")
		b.remove("d/old")
		time.Sleep(time.Minute)
		b.put("e/other")
		g.mu.Lock()
		g.open = true
		g.mu.Unlock()
		g.step(first)
		if got := fmt.Sprint(<-result); got != "[new]" {
			t.Errorf("%s", got)
		}
		if n := s.Calls(objstore.OpList); n != 1 {
			t.Errorf("%d LISTs", n)
		}
	})
}

// TestMetadataOfAStoreThatKeepsTimes has another client change the metadata of an old object, of which
// neither the ETag nor Last-Modified tells.
func TestMetadataOfAStoreThatKeepsTimes(t *testing.T) {
	now := newClock()
	p, _ := objstore.ProfileByName("aws")
	p.KeepsTime = true
	s := mem.New(p, mem.WithClock(now.Now))
	put(t, s, "d/f", "x", mode("1"))
	now.add(time.Hour)
	c := newCache(t, s, cache.Config{Now: now.Now})
	c.KeepsTime()
	names(t, c, "d/")
	if m := statMode(t, c, "d/f"); m != "1" {
		t.Errorf("mode %s", m)
	}
	change := objstore.CopyOptions{Replace: true, ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{"mode": "2"}}}
	if _, err := s.Copy(t.Context(), "d/f", objstore.CopySource{Key: "d/f"}, change); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now.add(2 * time.Second)
		names(t, c, "d/")
		if m := statMode(t, c, "d/f"); m != "2" {
			t.Errorf("mode %s, another client has changed it", m)
		}
	}
}
