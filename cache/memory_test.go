package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// zeros is a store in which every object is made of zeros.
type zeros struct{ Store }

func (zeros) Get(_ context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	return io.NopCloser(bytes.NewReader(make([]byte, opts.Length))), objstore.Info{Key: key}, nil
}

func newZeros(t *testing.T, cfg Config) *Cache {
	t.Helper()
	c, err := New(zeros{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (c *Cache) read(t *testing.T, r *Reader, off int64, n int) {
	t.Helper()
	if _, err := r.ReadAt(context.Background(), make([]byte, n), off); err != nil && err != io.EOF {
		t.Error(err)
	}
}

// idle waits until nothing runs and the cache of blocks has taken in all.
func (c *Cache) idle() {
	c.life.running.Wait()
	c.blocks.whole.Wait()
}

func info(key string, size int64) objstore.Info {
	return objstore.Info{Key: key, ETag: "e-" + key, Size: size}
}

func TestWholeBlocksAreFoundAgain(t *testing.T) {
	c := newZeros(t, Config{Memory: 64 << 20})
	for _, size := range []int64{1, 4096, 100_000, blockSize, 4<<20 + 1} {
		o := info(fmt.Sprint(size), size)
		for i := range 3 {
			before := c.blocks.gets.Load()
			r := c.Open(o)
			for off := int64(0); off < size; off += 1 << 20 {
				c.read(t, r, off, 1<<20)
			}
			r.Close()
			c.idle()
			if n := c.blocks.gets.Load() - before; i > 0 && n != 0 {
				t.Errorf("size %d: %d GETs when it was read again", size, n)
			}
		}
	}
}

func TestAllMemoryComesBack(t *testing.T) {
	c := newZeros(t, Config{Memory: 16 << 20})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			r := c.Open(info(fmt.Sprint("f", i%5), 20<<20))
			defer r.Close()
			for off := int64(0); off < 20<<20; off += 300_000 {
				c.read(t, r, off, 300_000)
				if used := c.blocks.pool.inUse(); used > 12<<20 {
					t.Errorf("%d bytes in use", used)
				}
			}
		})
	}
	all.Wait()
	c.idle()
	if used := c.blocks.pool.inUse(); used > 4<<20 {
		t.Errorf("%d bytes in use, of which at most a third of 12 MiB are cached", used)
	}
	if n := c.blocks.windows.Load(); n != 0 || len(c.blocks.readers) != 0 || len(c.blocks.versions) != 0 {
		t.Errorf("%d streams, %d readers, %d versions are left", n, len(c.blocks.readers), len(c.blocks.versions))
	}
	if s := c.Stats(); s.Served != 16*20<<20 || s.Gets == 0 || s.Fetched < 5*20<<20 || s.Streams != 0 || s.Held != c.blocks.pool.inUse() {
		t.Errorf("%+v", s)
	}
	c.blocks.whole.Clear()
	if used := c.blocks.pool.inUse(); used != 0 {
		t.Errorf("%d bytes are lost", used)
	}
}

func TestReadersShareFairly(t *testing.T) {
	c := newZeros(t, Config{Memory: 64 << 20, NameMemory: 1 << 20})
	var readers []*Reader
	for i := range 16 {
		r := c.Open(info(fmt.Sprint("f", i), 1<<30))
		defer r.Close()
		readers = append(readers, r)
	}
	for off := int64(0); off < 40<<20; off += 1 << 20 {
		for _, r := range readers {
			c.read(t, r, off, 1<<20)
		}
	}
	share := c.blocks.ahead / 16
	for i, r := range readers {
		n := int64(0)
		for j := range r.streams {
			n += int64(len(r.streams[j].held)) * blockSize
		}
		if n > share+2*blockSize || n < share/4 {
			t.Errorf("reader %d holds %d bytes, its share is %d", i, n, share)
		}
	}
}

func TestIdleReadersGiveWay(t *testing.T) {
	now := time.Now()
	c := newZeros(t, Config{Memory: 16 << 20, Now: func() time.Time { return now }})
	idle := c.Open(info("idle", 1<<30))
	defer idle.Close()
	for off := int64(0); off < 16<<20; off += 1 << 20 {
		c.read(t, idle, off, 1<<20)
	}
	c.idle()
	held := c.blocks.pool.inUse()
	now = now.Add(idleTime + 1)
	busy := c.Open(info("busy", 1<<30))
	defer busy.Close()
	for off := int64(0); off < 16<<20; off += 1 << 20 {
		c.read(t, busy, off, 1<<20)
	}
	if n := idle.holding; n != 0 {
		t.Errorf("the idle reader still holds blocks in %d streams; it had %d bytes", n, held)
	}
	c.read(t, idle, 16<<20, 1<<20)
}

func TestSmallBuffersCountTwice(t *testing.T) {
	for size, want := range map[int]int64{
		1: 8192, 4096: 8192, 4097: 16384, smallSize: 2 * smallSize, smallSize + 1: blockSize, blockSize: blockSize,
	} {
		if got := bufferCost(size); got != want {
			t.Errorf("%d bytes count %d, want %d", size, got, want)
		}
	}
}

func TestPool(t *testing.T) {
	p, err := newPool(4*blockSize+100, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	take := func(size int) []byte {
		b, giveBack := p.take(size)
		if giveBack != nil {
			t.Error("it borrowed from nobody")
		}
		return b
	}
	var bs [][]byte
	for {
		b := take(blockSize)
		if b == nil {
			break
		}
		b[0], b[blockSize-1] = 1, 1
		bs = append(bs, b)
	}
	if len(bs) != 4 || take(1) != nil {
		t.Errorf("%d blocks", len(bs))
	}
	p.put(bs[0], blockSize, nil)
	small := take(10)
	if len(small) != 10 || take(blockSize) != nil {
		t.Error("a small buffer has no place of its own")
	}
	p.put(small, 10, nil)
	if b := take(smallSize + 1); len(b) != blockSize || p.inUse() != 4*blockSize {
		t.Errorf("%d bytes, %d in use", len(b), p.inUse())
	}
}

func TestParallel(t *testing.T) {
	s := speed{climb: newClimb()}
	want := func(of string, streams, parallel, ahead int64) {
		t.Helper()
		if n, bytes := s.window(streams); n != parallel || bytes != ahead {
			t.Errorf("%s: %d GETs and %d MiB for each of %d streams, want %d and %d", of, n, bytes>>20, streams, parallel, ahead>>20)
		}
	}
	want("nothing is known", 1, maxParallel, maxParallel*maxRun)
	s.saw(1000, time.Nanosecond)
	s.saw(4<<20, 0)
	want("nothing that tells", 1, maxParallel, maxParallel*maxRun)
	s.saw(4<<20, 2*time.Millisecond)
	want("2 GB/s", 1, minParallel, minParallel*maxRun)
	want("2 GB/s", 2, minParallel, minParallel*maxRun/2)
	want("2 GB/s", 16, minParallel, maxRun)
	for range 100 {
		s.saw(6<<20, 100*time.Millisecond)
	}
	want("60 MB/s", 1, maxParallel, maxParallel*maxRun)
	want("60 MB/s", 2, maxParallel, maxParallel*maxRun)
	want("60 MB/s", 16, minParallel, minParallel*maxRun)
	for range 100 {
		s.saw(4<<20, 10*time.Millisecond)
	}
	want("419 MB/s", 1, 7, 7*maxRun)
	want("419 MB/s", 4, minParallel, 7*maxRun/4)
	for range 100 {
		s.saw(6<<20, 100*time.Millisecond)
	}
	s.answered(20 * time.Millisecond)
	want("60 MB/s from far away", 1, farParallel, farParallel*maxRun)
	want("60 MB/s from far away", 4, 12, 12*maxRun)
	want("60 MB/s from far away", 32, minParallel, 51*maxRun/32)
}
