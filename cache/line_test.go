package cache_test

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// line is a store at the end of a line, in the time of a synctest bubble: each
// GET is answered after the latency and then comes at the rate of a
// connection, whether anybody reads it or not. What arrives is zeros.
type line struct {
	cache.Store
	latency time.Duration
	rate    float64 // bytes a second, of each connection
	gets    atomic.Int64
	open    atomic.Int64
	peak    atomic.Int64
}

func (l *line) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	l.gets.Add(1)
	l.peak.Store(max(l.peak.Load(), l.open.Add(1)))
	time.Sleep(l.latency)
	return &lineBody{l: l, ctx: ctx, began: time.Now(), left: opts.Length}, objstore.Info{Key: key}, nil
}

type lineBody struct {
	l          *line
	ctx        context.Context
	began      time.Time
	read, left int64
}

func (b *lineBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	// A frame at least; then all that is there.
	frame := min(b.left, 64<<10)
	time.Sleep(time.Until(b.began.Add(time.Duration(float64(b.read+frame) / b.l.rate * float64(time.Second)))))
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	there := int64(time.Since(b.began).Seconds()*b.l.rate) - b.read
	n := min(int64(len(p)), b.left, max(frame, there))
	b.read += n
	b.left -= n
	return int(n), nil
}

func (b *lineBody) Close() error {
	b.l.open.Add(-1)
	return nil
}

// TestTheLineIsFull reads 512 MiB in the kernel's pieces over lines of several
// kinds, and compares with GETs of 8 MiB, 16 at a time.
func TestTheLineIsFull(t *testing.T) {
	const size = 512 << 20
	for _, c := range []struct {
		name    string
		latency time.Duration
		rate    float64
		least   float64 // of the speed of the bare GETs
		most    int64   // GETs at once
	}{
		{"far away", 20 * time.Millisecond, 60e6, 1.3, 48},
		{"farther away", 100 * time.Millisecond, 20e6, 1.3, 48},
		{"in the same house", time.Millisecond, 300e6, 0.5, 24},
		{"on the same machine", 200 * time.Microsecond, 2.5e9, 0.1, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &line{latency: c.latency, rate: c.rate}
				began := time.Now()
				bareLine(t, l, size)
				bare := time.Since(began)

				l = &line{latency: c.latency, rate: c.rate}
				cc := newCache(t, l, cache.Config{Memory: 256 << 20})
				r := cc.Open(objstore.Info{Key: "f", ETag: "e", Size: size})
				defer r.Close()
				began = time.Now()
				readAll(t, r, 128<<10)
				took := time.Since(began)
				if ratio := float64(bare) / float64(took); ratio < c.least {
					t.Errorf("%v, %v bare: %.2f of the speed, want %.2f", took, bare, ratio, c.least)
				}
				if n := l.peak.Load(); n > c.most {
					t.Errorf("%d GETs at once, want at most %d", n, c.most)
				}
				t.Logf("%v, %v bare, %d GETs, %d at once", took, bare, l.gets.Load(), l.peak.Load())
			})
		})
	}
}

// bareLine reads by GETs of 8 MiB, 16 at a time.
func bareLine(t *testing.T, l *line, size int64) {
	const piece = 8 << 20
	next := make(chan int64)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for off := range next {
				body, _, err := l.Get(context.Background(), "f", objstore.GetOptions{Offset: off, Length: min(piece, size-off)})
				if err != nil {
					t.Error(err)
					continue
				}
				if _, err := io.Copy(io.Discard, body); err != nil {
					t.Error(err)
				}
				body.Close()
			}
		})
	}
	for off := int64(0); off < size; off += piece {
		next <- off
	}
	close(next)
	workers.Wait()
}
