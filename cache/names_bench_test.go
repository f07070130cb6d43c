package cache_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// crowd is a store of one directory, "d/", with so many files.
type crowd struct {
	cache.Store
	n int
}

func (s crowd) List(_ context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	first := 0
	if opts.Token != "" {
		fmt.Sscan(opts.Token, &first)
	} else if opts.StartAfter != "" {
		fmt.Sscanf(opts.StartAfter, "d/file-%d.dat", &first)
		first++
	}
	var page objstore.ListPage
	if opts.Prefix != "d/" {
		return page, nil
	}
	last := min(s.n, first+1000)
	for i := first; i < last; i++ {
		page.Objects = append(page.Objects, objstore.Info{
			Key: name(i), Size: 4096, ETag: "0123456789abcdef0123456789abcdef", ModTime: time.Unix(1700000000, 0),
		})
	}
	if last < s.n {
		page.Token = fmt.Sprint(last)
	}
	return page, nil
}

func name(i int) string { return fmt.Sprintf("d/file-%08d.dat", i) }

func newCrowd(b testing.TB, n int) *cache.Cache {
	c, err := cache.New(crowd{n: n}, cache.Config{DirTTL: time.Hour, AttrTTL: time.Hour, NegativeTTL: time.Hour, Memory: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

func count(b testing.TB, d *cache.DirReader) (n int) {
	for {
		switch _, err := d.Next(context.Background()); err {
		case nil:
			n++
		case io.EOF:
			return n
		default:
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, present := range []bool{true, false} {
		b.Run(fmt.Sprintf("present=%v", present), func(b *testing.B) {
			c := newCrowd(b, 1000)
			names := make([]string, 1000)
			for i := range names {
				if names[i] = name(i)[2:]; !present {
					names[i] += "x"
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := c.Lookup(context.Background(), "d/", names[i%1000]); (err == nil) != present {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadDir(b *testing.B) {
	for _, n := range []int{1000, 20_000} {
		b.Run(fmt.Sprintf("entries=%d/cached", n), func(b *testing.B) {
			c := newCrowd(b, n)
			count(b, c.ReadDir("d/"))
			b.ReportAllocs()
			for b.Loop() {
				count(b, c.ReadDir("d/"))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}

// BenchmarkReadDirOfAMillion also tells the memory that is in use in the middle.
func BenchmarkReadDirOfAMillion(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		c := newCrowd(b, n)
		var before, within runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		d := c.ReadDir("d/")
		for range n / 2 {
			if _, err := d.Next(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&within)
		if got := n/2 + count(b, d); got != n {
			b.Fatalf("%d entries", got)
		}
		b.ReportMetric(float64(int64(within.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB-in-use")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}

// BenchmarkMemoryOfEntries is the memory of cached listings, by the heap.
func BenchmarkMemoryOfEntries(b *testing.B) {
	const n = 99_000
	for b.Loop() {
		c := newCrowd(b, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		count(b, c.ReadDir("d/"))
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/n, "B/entry")
		runtime.KeepAlive(c)
	}
}

func BenchmarkPublish(b *testing.B) {
	c := newCrowd(b, 0)
	c.PublishDir("d/")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Publish(objstore.Info{Key: name(i), Size: 1, ETag: "e", Full: true})
	}
}

// BenchmarkRemoveAll is what rm -r does to a directory without a marker: each
// deletion is followed by the question whether anything is left.
func BenchmarkRemoveAll(b *testing.B) {
	const n = 20_000
	for b.Loop() {
		c := newCrowd(b, n)
		count(b, c.ReadDir("d/"))
		for i := range n {
			c.Remove(name(i))
			if empty, _, err := c.Empty(context.Background(), "d/"); err != nil || empty != (i == n-1) {
				b.Fatal(i, empty, err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}
