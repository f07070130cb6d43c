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
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// bucket is a store and a cache of it through which all changes are made, as a
// mount makes them.
type bucket struct {
	t testing.TB
	s *mem.Store
	c *cache.Cache
}

func (b *bucket) put(key string) {
	b.t.Helper()
	info := put(b.t, b.s, key, key)
	info.Full = true
	b.c.Publish(info)
}

func (b *bucket) mkdir(dir string) {
	b.t.Helper()
	put(b.t, b.s, dir, "")
	b.c.PublishDir(dir)
}

func (b *bucket) remove(key string) {
	b.t.Helper()
	del(b.t, b.s, key)
	b.c.Remove(key)
}

func (b *bucket) rmdir(dir string) {
	b.t.Helper()
	del(b.t, b.s, dir)
	b.c.RemoveDir(dir)
}

func (b *bucket) want(dir, name, is string) {
	b.t.Helper()
	if got := looked(b.c, dir, name); got != is {
		b.t.Errorf("%q in %q: %s, want %s", name, dir, got, is)
	}
}

func (b *bucket) wantNames(dir string, want ...string) {
	b.t.Helper()
	if got := names(b.t, b.c, dir); !slices.Equal(got, want) {
		b.t.Errorf("%q has %q, want %q", dir, got, want)
	}
}

// free runs f, which must not cost a request.
func (b *bucket) free(f func()) {
	b.t.Helper()
	before := b.s.Calls(objstore.OpList, objstore.OpHead)
	f()
	if n := b.s.Calls(objstore.OpList, objstore.OpHead) - before; n != 0 {
		b.t.Errorf("%d requests where none is needed", n)
	}
}

func newBucket(t testing.TB, page int, cfg cache.Config) *bucket {
	s := newMem(t, page)
	return &bucket{t, s, newCache(t, s, cfg)}
}

func TestCreatingFilesCostsNoRequest(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	b.want("", "d", "none")
	b.free(func() {
		b.mkdir("d/")
		b.want("", "d", "dir")
		b.wantNames("d/")
		for i := range 3000 {
			name := fmt.Sprintf("f%d", i)
			b.want("d/", name, "none")
			b.put("d/" + name)
			b.want("d/", name, "file")
		}
		if n := len(names(t, b.c, "d/")); n != 3000 {
			t.Errorf("%d files are shown", n)
		}
	})
}

func TestOwnChangesAreVisibleAtOnce(t *testing.T) {
	for _, page := range []int{1000, 2} {
		t.Run(fmt.Sprint("page of ", page), func(t *testing.T) {
			b := newBucket(t, page, cache.Config{Now: newClock().Now})
			for _, key := range []string{"d/a", "d/b", "d/c/x", "d/e", "d/f"} {
				put(t, b.s, key, "")
			}
			b.wantNames("d/", "a", "b", "c/", "e", "f")
			b.remove("d/b")
			b.put("d/b2")
			b.put("d/g/h/i")
			b.want("d/", "b", "none")
			b.want("d/", "b2", "file")
			b.want("d/", "g", "dir")
			b.want("d/g/", "h", "dir")
			b.wantNames("d/", "a", "b2", "c/", "e", "f", "g/")
			b.remove("d/c/x")
			b.want("d/", "c", "none")
			b.put("d/c/y")
			b.want("d/", "c", "dir")
			b.wantNames("d/c/", "y")
			b.wantNames("d/", "a", "b2", "c/", "e", "f", "g/")
		})
	}
}

func TestADirectoryGoesWithItsLastEntry(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	b.want("", "a", "none")
	b.put("a/b/c/f")
	b.put("a/b/c/g")
	b.wantNames("a/b/c/", "f", "g")
	b.wantNames("a/b/", "c/")
	b.wantNames("a/", "b/")
	b.free(func() {
		b.remove("a/b/c/f")
		b.want("a/b/", "c", "dir")
		b.remove("a/b/c/g")
		b.want("a/b/", "c", "none")
		b.want("a/", "b", "none")
		b.want("", "a", "none")
		b.wantNames("")
	})
}

func TestAMarkerKeepsADirectory(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	b.want("", "a", "none")
	b.free(func() {
		b.mkdir("a/")
		b.mkdir("a/b/")
		b.put("a/b/f")
		b.remove("a/b/f")
		b.want("a/", "b", "dir")
		b.want("", "a", "dir")
		b.rmdir("a/b/")
		b.want("a/", "b", "none")
		b.want("", "a", "dir")
		b.wantNames("a/")
		b.mkdir("a/b/")
		b.wantNames("a/", "b/")
	})
}

func TestRemovingAMarkerLeavesWhatIsInTheDirectory(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	put(t, b.s, "a/", "")
	put(t, b.s, "a/f", "")
	b.want("", "a", "dir")
	b.remove("a/")
	b.want("", "a", "dir")
	b.remove("a/f")
	b.want("", "a", "none")
}

func TestRemoveDirDoesNotHideWhatWasStoredMeanwhile(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	b.want("", "a", "none")
	b.mkdir("a/")
	b.put("a/f") // after somebody found the directory empty
	b.rmdir("a/")
	b.want("", "a", "dir")
	b.want("a/", "f", "file")
	b.wantNames("a/", "f")
}

func TestAnUnknownDirectoryIsAskedForWhenItsEntriesGo(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	put(t, b.s, "a/f", "")
	put(t, b.s, "a/g", "")
	b.want("", "a", "dir")
	b.remove("a/f")
	before := b.s.Calls(objstore.OpList)
	b.want("", "a", "dir")
	b.remove("a/g")
	b.want("", "a", "none")
	b.wantNames("")
	if n := b.s.Calls(objstore.OpList) - before; n != 2 {
		t.Errorf("%d LISTs, want 2", n)
	}
}

func TestPublishedMetadataIsKnown(t *testing.T) {
	now := newClock()
	b := newBucket(t, 1000, cache.Config{Now: now.Now})
	info := put(t, b.s, "f", "x")
	info.Full = true
	info.Metadata = map[string]string{"mode": "33188"}
	b.c.Publish(info)
	b.free(func() {
		got, err := b.c.Stat(context.Background(), "f")
		if err != nil || got.Metadata["mode"] != "33188" || !got.Full {
			t.Errorf("%+v, %v", got, err)
		}
	})
	b.want("", "f", "file")
	e, err := b.c.Lookup(context.Background(), "", "f")
	if err != nil || !e.Info.Full {
		t.Errorf("%+v, %v", e, err)
	}
	now.add(time.Second)
	if got, err := b.c.Stat(context.Background(), "f"); err != nil || got.Metadata != nil {
		t.Errorf("after its time: %+v, %v", got, err)
	}
	b.remove("f")
	b.free(func() {
		if _, err := b.c.Stat(context.Background(), "f"); !errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestInvalidate(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	put(t, b.s, "d/f", "1")
	put(t, b.s, "d/g", "1")
	b.want("d/", "f", "file")
	put(t, b.s, "d/f", "22")
	del(t, b.s, "d/g")
	b.c.Invalidate("d/f")
	e, err := b.c.Lookup(context.Background(), "d/", "f")
	if err != nil || e.Info.Size != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	b.want("d/", "g", "file")
	b.c.InvalidateDir("d/")
	b.want("d/", "g", "none")
	b.put("d/h")
	b.want("d/", "h", "file")
	b.c.InvalidateDir("d/")
	b.want("d/", "h", "file")
}

func TestMarkersArePublished(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	put(t, b.s, "d/f", "")
	b.wantNames("d/", "f")
	info := put(t, b.s, "d/", "")
	info.Full, info.Metadata = true, map[string]string{"mode": "16877"}
	b.c.Publish(info)
	b.free(func() {
		b.wantNames("d/", "f")
		e, err := b.c.Lookup(context.Background(), "", "d")
		if err != nil || !e.Dir || !e.Marker || e.Info.Metadata["mode"] == "" {
			t.Errorf("%+v, %v", e, err)
		}
		b.remove("d/f")
		b.want("", "d", "dir")
	})
}

// TestManyChanges has more changes than the log may hold. Then listings that
// were asked for before the forgotten ones count no more.
func TestManyChanges(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now, Memory: cache.MinMemory, DirTTL: time.Hour, AttrTTL: time.Hour, NegativeTTL: time.Hour})
	b.want("d/", "x", "none")
	for i := range 5000 {
		b.put(fmt.Sprintf("d/%05d", i))
		if i%3 == 0 {
			b.remove(fmt.Sprintf("d/%05d", i))
		}
	}
	for i := range 5000 {
		want := "file"
		if i%3 == 0 {
			want = "none"
		}
		b.want("d/", fmt.Sprintf("%05d", i), want)
	}
}

// TestInvalidatedDirForgetsItsMarker has the marker of a directory replaced by a copy of
// another one, as a rename onto an empty directory does: all markers have one ETag.
func TestInvalidatedDirForgetsItsMarker(t *testing.T) {
	b := newBucket(t, 1000, cache.Config{Now: newClock().Now})
	store := func(mode string) objstore.Info {
		info, err := b.s.Put(t.Context(), "d/", objstore.Body{Digest: objstore.SumOf(b.s.Profile().Digest)}, objstore.PutOptions{
			ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{"mode": mode}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	info := store("755")
	info.Full, info.Metadata = true, map[string]string{"mode": "755"}
	b.c.PublishDir("d/")
	b.c.Publish(info)
	store("700")
	b.c.InvalidateDir("d/")
	b.wantNames("d/")
	if got, err := b.c.Stat(t.Context(), "d/"); err != nil || got.Metadata["mode"] != "700" {
		t.Errorf("the marker has %v (%v)", got.Metadata, err)
	}
}
