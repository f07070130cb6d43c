package cache_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// cpu is the processor time of this process so far. It includes the store's.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// readAll reads from the beginning to the end in pieces.
func readAll(b testing.TB, r *cache.Reader, piece int) {
	buf := make([]byte, piece)
	for off := int64(0); ; {
		n, err := r.ReadAt(context.Background(), buf, off)
		off += int64(n)
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSequentialRead reads 512 MiB that are not cached. The store runs in
// the same process, so the CPU time is that of both and of the bare GETs too.
func BenchmarkSequentialRead(b *testing.B) {
	for _, memory := range []int64{64 << 20, 256 << 20} {
		for _, piece := range []int{128 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("memory=%dMiB/read=%dKiB", memory>>20, piece>>10), func(b *testing.B) {
				s := newLoopback(b, 512<<20, 0, 0)
				b.SetBytes(s.size)
				b.ReportAllocs()
				began := cpu()
				for b.Loop() {
					c := newBenchCache(b, s, memory)
					r := c.Open(s.info())
					readAll(b, r, piece)
					r.Close()
					c.Close()
				}
				b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e6, "cpu-ms/op")
				b.ReportMetric(float64(s.gets.Load())/float64(b.N), "gets/op")
			})
		}
	}
}

// BenchmarkBareGets is what there is to reach: the same bytes by GETs of 8 MiB,
// thrown away.
func BenchmarkBareGets(b *testing.B) {
	for _, parallel := range []int{1, 2, 4, 16} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			s := newLoopback(b, 512<<20, 0, 0)
			b.SetBytes(s.size)
			began := cpu()
			for b.Loop() {
				bareGets(b, s, parallel)
			}
			b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}

func bareGets(b testing.TB, s *loopback, parallel int) {
	const piece = 8 << 20
	next := make(chan int64)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			buf := make([]byte, 256<<10)
			for off := range next {
				body, _, err := s.Get(context.Background(), "big", objstore.GetOptions{Offset: off, Length: min(piece, s.size-off)})
				if err != nil {
					b.Error(err)
					continue
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, buf); err != nil {
					b.Error(err)
				}
				body.Close()
			}
		})
	}
	for off := int64(0); off < s.size; off += piece {
		next <- off
	}
	close(next)
	workers.Wait()
}

func newBenchCache(b testing.TB, s cache.Store, memory int64) *cache.Cache {
	c, err := cache.New(s, cache.Config{Memory: memory})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkWideArea is a store 20 ms away that gives 60 MB/s to a connection.
func BenchmarkWideArea(b *testing.B) {
	const size = 512 << 20
	b.Run("cache", func(b *testing.B) {
		s := newLoopback(b, size, 20*time.Millisecond, 60e6)
		b.SetBytes(size)
		for b.Loop() {
			c := newBenchCache(b, s, 256<<20)
			r := c.Open(s.info())
			readAll(b, r, 128<<10)
			r.Close()
			c.Close()
		}
	})
	b.Run("bare16", func(b *testing.B) {
		s := newLoopback(b, size, 20*time.Millisecond, 60e6)
		b.SetBytes(size)
		for b.Loop() {
			bareGets(b, s, 16)
		}
	})
}

// BenchmarkRandomRead reads 64 KiB here and there, as a bare GET does.
func BenchmarkRandomRead(b *testing.B) {
	const piece = 64 << 10
	buf := make([]byte, piece)
	b.Run("cache", func(b *testing.B) {
		s := newLoopback(b, 1<<30, 0, 0)
		c := newBenchCache(b, s, 256<<20)
		defer c.Close()
		r := c.Open(s.info())
		for b.Loop() {
			if _, err := r.ReadAt(context.Background(), buf, rand.Int64N(s.size/piece)*piece); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(s.bytes.Load())/float64(b.N)/piece, "fetched/asked")
		b.ReportMetric(float64(s.gets.Load())/float64(b.N), "gets/op")
	})
	b.Run("bare", func(b *testing.B) {
		s := newLoopback(b, 1<<30, 0, 0)
		for b.Loop() {
			body, _, err := s.Get(context.Background(), "big", objstore.GetOptions{Offset: rand.Int64N(s.size/piece) * piece, Length: piece})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(body, buf); err != nil {
				b.Fatal(err)
			}
			body.Close()
		}
	})
}
