package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// noise is n bytes that differ from place to place.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	r.Read(b)
	return b
}

// file is a store with one object, "f", and a reader of it.
type file struct {
	*bucket
	f       *fault.Store
	content []byte
	info    objstore.Info
}

func newFile(t testing.TB, size int, cfg cache.Config) *file {
	s := newMem(t, 1000)
	f := fault.New(s)
	content := noise(size, 1)
	info := put(t, s, "f", string(content))
	return &file{&bucket{t, s, newCache(t, f, cfg)}, f, content, info}
}

// read checks one ReadAt.
func (f *file) read(r *cache.Reader, off int64, n int) {
	f.t.Helper()
	p := make([]byte, n)
	got, err := r.ReadAt(context.Background(), p, off)
	want := f.content[min(off, int64(len(f.content))):min(off+int64(n), int64(len(f.content)))]
	if !bytes.Equal(p[:got], want) {
		f.t.Errorf("read %d at %d: %d bytes that are wrong or too few, %v", n, off, got, err)
	}
	if short := got < n; short != (err == io.EOF) || err != nil && err != io.EOF {
		f.t.Errorf("read %d at %d: %d, %v", n, off, got, err)
	}
}

func (f *file) gets() (calls, bytes int64) {
	n := f.s.Counts()[objstore.OpGet]
	return n.Calls, n.BytesOut
}

func TestReadAt(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 256 << 10, 256<<10 + 1, 3<<20 + 12345} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f := newFile(t, size, cache.Config{})
			for _, piece := range []int{1 << 20, 128 << 10, 77777} {
				r := f.c.Open(f.info)
				for off := 0; off <= size; off += piece {
					f.read(r, int64(off), piece)
				}
				r.Close()
			}
			r := f.c.Open(f.info)
			defer r.Close()
			f.read(r, int64(size), 10)
			f.read(r, int64(size)+100, 10)
			if n, err := r.ReadAt(context.Background(), nil, 0); n != 0 || size > 0 && err != nil {
				t.Errorf("read nothing: %d, %v", n, err)
			}
			if _, err := r.ReadAt(context.Background(), make([]byte, 1), -1); !errors.Is(err, objstore.ErrRange) {
				t.Errorf("read at -1: %v", err)
			}
		})
	}
}

// TestReadersAtOnce has many readers going through two objects in all ways.
func TestReadersAtOnce(t *testing.T) {
	const size = 6<<20 + 4321
	for _, memory := range []int64{cache.MinMemory, 64 << 20} {
		t.Run(fmt.Sprint(memory>>20, " MiB"), func(t *testing.T) {
			f := newFile(t, size, cache.Config{Memory: memory})
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					r := f.c.Open(f.info)
					defer r.Close()
					rnd := rand.New(rand.NewPCG(uint64(i), 2))
					for range 4 {
						walk(f, r, rnd)
					}
				})
			}
			all.Wait()
		})
	}
}

// walk reads a part of the file in one of the ways of programs.
func walk(f *file, r *cache.Reader, rnd *rand.Rand) {
	size := int64(len(f.content))
	n := 4096 << rnd.IntN(7)
	off := rnd.Int64N(size)
	switch rnd.IntN(6) {
	case 0:
		off = 0
		fallthrough
	case 1:
		for range 40 {
			f.read(r, off, n)
			off += int64(n)
		}
	case 2:
		for range 30 {
			f.read(r, max(0, off), n)
			off -= int64(n)
		}
	case 3:
		for range 30 {
			f.read(r, off, n)
			off += int64(3 * n)
		}
	case 4:
		for range 10 {
			f.read(r, rnd.Int64N(size), n)
		}
	case 5: // the kernel's requests overtake each other
		for range 20 {
			f.read(r, off+int64(n), n)
			f.read(r, off, n)
			off += int64(2 * n)
		}
	}
}

func TestRandomReadsFetchWhatWasAsked(t *testing.T) {
	f := newFile(t, 64<<20, cache.Config{Memory: 64 << 20})
	r := f.c.Open(f.info)
	defer r.Close()
	rnd := rand.New(rand.NewPCG(3, 4))
	const reads, n = 200, 64 << 10
	for range reads {
		f.read(r, (1+rnd.Int64N(1023))*n, n)
	}
	calls, bytes := f.gets()
	if float64(calls) > 1.1*reads || float64(bytes) > 1.3*reads*n {
		t.Errorf("%d GETs for %d reads, %.2f times the bytes", calls, reads, float64(bytes)/reads/n)
	}
}

func TestSequentialReadsFetchOnceAndNotTooFarAhead(t *testing.T) {
	f := newFile(t, 48<<20, cache.Config{Memory: 96 << 20})
	r := f.c.Open(f.info)
	defer r.Close()
	for off := int64(0); off < int64(len(f.content)); off += 128 << 10 {
		f.read(r, off, 128<<10)
		if _, fetched := f.gets(); fetched > 9*(off+128<<10)+5<<20 {
			t.Fatalf("%d bytes fetched after %d were read", fetched, off+128<<10)
		}
	}
	calls, fetched := f.gets()
	if fetched != int64(len(f.content)) {
		t.Errorf("%d bytes fetched of %d", fetched, len(f.content))
	}
	if calls > 40 {
		t.Errorf("%d GETs for 48 MiB", calls)
	}
}

// TestReadsThatOvertakeFetchOnce: the kernel sends two of its reads at once, and
// the second may come first, from the beginning on.
func TestReadsThatOvertakeFetchOnce(t *testing.T) {
	for _, piece := range []int64{128 << 10, 1 << 20} {
		f := newFile(t, 16<<20, cache.Config{Memory: 64 << 20})
		r := f.c.Open(f.info)
		for off := int64(0); off < int64(len(f.content)); off += 2 * piece {
			f.read(r, off+piece, int(piece))
			f.read(r, off, int(piece))
		}
		r.Close()
		if _, fetched := f.gets(); fetched != int64(len(f.content)) {
			t.Errorf("reads of %d: %d bytes fetched of %d", piece, fetched, len(f.content))
		}
	}
}

// TestWhatTheEndOvertookIsKept has a reader hold what it read ahead until the reads
// that the last one overtook were served, too, and no longer.
func TestWhatTheEndOvertookIsKept(t *testing.T) {
	const piece = 1 << 20
	f := newFile(t, 8*piece, cache.Config{Memory: 64 << 20})
	r := f.c.Open(f.info)
	defer r.Close()
	end := int64(len(f.content))
	for off := int64(0); off < end-2*piece; off += piece {
		f.read(r, off, piece)
	}
	f.read(r, end-piece, piece)
	if n := f.c.Stats().Streams; n != 1 {
		t.Errorf("%d streams hold something once the end was read, want 1", n)
	}
	f.read(r, end-2*piece, piece)
	if n := f.c.Stats().Streams; n != 0 {
		t.Errorf("%d streams hold something once all was read, want 0", n)
	}
}

func TestBackwardAndStridedReads(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int64
		step  int64
		reads int64
		gets  int64   // most
		bytes float64 // most, times those asked for
	}{
		{"backward", 128 << 10, -128 << 10, 256, 40, 1.05},
		{"backward with a little between", 128 << 10, -160 << 10, 200, 40, 1.3},
		{"strided", 64 << 10, 512 << 10, 60, 75, 1.3},
		{"strided backward", 64 << 10, -512 << 10, 60, 75, 1.3},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFile(t, 32<<20, cache.Config{Memory: 64 << 20})
			r := f.c.Open(f.info)
			defer r.Close()
			off := int64(512 << 10)
			if c.step < 0 {
				off = int64(len(f.content)) - c.n
			}
			for range c.reads {
				f.read(r, off, int(c.n))
				off += c.step
			}
			calls, bytes := f.gets()
			if calls > c.gets || float64(bytes) > c.bytes*float64(c.reads*c.n) {
				t.Errorf("%d GETs, %.2f times the bytes", calls, float64(bytes)/float64(c.reads*c.n))
			}
		})
	}
}

func TestTwoReadersFetchOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		f := newFile(t, size, cache.Config{})
		gate := fault.NewGate()
		f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Delay, Gate: gate})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				r := f.c.Open(f.info)
				defer r.Close()
				f.read(r, 0, size)
			})
		}
		synctest.Wait()
		gate.Open()
		all.Wait()
		if calls, bytes := f.gets(); calls != 1 || bytes != size {
			t.Errorf("%d GETs of %d bytes", calls, bytes)
		}
	})
}

func TestAReplacedObjectIsNotMixed(t *testing.T) {
	f := newFile(t, 8<<20, cache.Config{})
	r := f.c.Open(f.info)
	defer r.Close()
	f.read(r, 0, 128<<10)
	other := put(t, f.s, "f", string(noise(8<<20, 2)))
	p := make([]byte, 128<<10)
	failed := false
	for off := int64(128 << 10); off < 8<<20; off += int64(len(p)) {
		n, err := r.ReadAt(context.Background(), p, off)
		if !bytes.Equal(p[:n], f.content[off:off+int64(n)]) {
			t.Fatalf("other bytes at %d", off)
		}
		if err != nil && !errors.Is(err, objstore.ErrPrecondition) {
			t.Fatal(err)
		}
		failed = failed || err != nil
	}
	if !failed {
		t.Error("nothing was noticed")
	}
	again := f.c.Open(other)
	defer again.Close()
	if _, err := again.ReadAt(context.Background(), p, 0); err != nil || bytes.Equal(p, f.content[:len(p)]) {
		t.Errorf("the new version: %v", err)
	}
	del(t, f.s, "f")
	if _, err := again.ReadAt(context.Background(), p, 5<<20); !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("deleted: %v", err)
	}
}

// careless is a store that does not keep If-Match.
type careless struct{ cache.Store }

func (c careless) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	opts.IfMatch = ""
	return c.Store.Get(ctx, key, opts)
}

func TestAStoreThatIgnoresIfMatchIsNoticed(t *testing.T) {
	s := newMem(t, 1000)
	info := put(t, s, "f", "first")
	c := newCache(t, careless{s}, cache.Config{})
	r := c.Open(info)
	defer r.Close()
	put(t, s, "f", "other")
	if n, err := r.ReadAt(context.Background(), make([]byte, 5), 0); n != 0 || !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestFailuresOfReads(t *testing.T) {
	for _, c := range []struct {
		name string
		rule fault.Rule
		want error // of the first read
	}{
		{"denied", fault.Rule{Kind: objstore.ErrAccessDenied, Mode: fault.Fail}, objstore.ErrAccessDenied},
		{"archived", fault.Rule{Kind: objstore.ErrArchived, Mode: fault.Fail}, objstore.ErrArchived},
		{"what was read ahead failed", fault.Rule{Mode: fault.Fail, Times: 1}, nil},
		{"the body broke", fault.Rule{Mode: fault.Truncate, At: 100, Times: 1}, nil},
		{"the body breaks always", fault.Rule{Mode: fault.Truncate, At: 100}, io.ErrUnexpectedEOF},
		{"the connection broke", fault.Rule{Mode: fault.Drop}, objstore.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFile(t, 4<<20, cache.Config{})
			c.rule.Op = objstore.OpGet
			rule := f.f.Add(c.rule)
			r := f.c.Open(f.info)
			defer r.Close()
			p := make([]byte, 128<<10)
			n, err := r.ReadAt(context.Background(), p, 0)
			if !errors.Is(err, c.want) || c.want == nil && n < len(p) {
				t.Errorf("%d, %v", n, err)
			}
			if !bytes.Equal(p[:n], f.content[:n]) {
				t.Error("wrong bytes")
			}
			rule.Remove()
			for off := int64(0); off < 4<<20; off += 128 << 10 { // nothing of it is kept
				f.read(r, off, 128<<10)
			}
		})
	}
}

// dripping is a store whose bodies give one piece for each value of a channel.
type dripping struct {
	cache.Store
	piece int
	drips chan struct{}
}

func (d *dripping) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	body, info, err := d.Store.Get(ctx, key, opts)
	if err != nil {
		return nil, info, err
	}
	return &drippingBody{body, ctx, d}, info, nil
}

type drippingBody struct {
	io.ReadCloser
	ctx context.Context
	d   *dripping
}

func (b *drippingBody) Read(p []byte) (int, error) {
	select {
	case <-b.d.drips:
		return b.ReadCloser.Read(p[:min(len(p), b.d.piece)])
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func TestBytesAreServedAsTheyArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t, 1<<20, cache.Config{})
		d := &dripping{Store: f.s, piece: 10_000, drips: make(chan struct{})}
		c := newCache(t, d, cache.Config{})
		r := c.Open(f.info)
		done := make(chan bool, 1)
		go func() {
			f.read(r, 0, 25_000)
			done <- true
		}()
		for i := range 3 {
			synctest.Wait()
			if len(done) != 0 {
				t.Errorf("done after %d pieces", i)
			}
			d.drips <- struct{}{}
		}
		synctest.Wait()
		if len(done) != 1 {
			t.Error("not served although its bytes are there")
		}
	})
}

// TestAReadThatIsGivenUpLeavesTheOthers: ctx ends one wait.
func TestAReadThatIsGivenUpLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t, 1<<20, cache.Config{})
		gate := fault.NewGate()
		f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Delay, Gate: gate})
		r := f.c.Open(f.info)
		defer r.Close()
		ctx, cancel := context.WithCancel(context.Background())
		results := make(chan error, 1)
		go func() {
			_, err := r.ReadAt(ctx, make([]byte, 1000), 0)
			results <- err
		}()
		synctest.Wait()
		var other sync.WaitGroup
		other.Go(func() { f.read(r, 0, 1000) })
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		gate.Open()
		other.Wait()
		if calls, _ := f.gets(); calls != 1 {
			t.Errorf("%d GETs", calls)
		}
	})
}

func TestCloseEndsWhatWasReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t, 16<<20, cache.Config{})
		r := f.c.Open(f.info)
		f.read(r, 0, 128<<10)
		hang := f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Hang})
		f.read(r, 128<<10, 128<<10)
		f.read(r, 256<<10, 128<<10)
		synctest.Wait()
		if hang.Hits() == 0 {
			t.Error("nothing was read ahead")
		}
		r.Close()
		r.Close()
		if _, err := r.ReadAt(context.Background(), make([]byte, 1), 0); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%v", err)
		}
		synctest.Wait() // the bubble ends only if the hanging requests were cancelled
	})
}

func TestCloseOfTheCacheEndsReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t, 16<<20, cache.Config{})
		f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Hang})
		r := f.c.Open(f.info)
		results := make(chan error, 1)
		go func() {
			_, err := r.ReadAt(context.Background(), make([]byte, 1000), 0)
			results <- err
		}()
		synctest.Wait()
		go f.c.Close()
		if err := <-results; err == nil {
			t.Error("no error")
		}
		synctest.Wait()
		if _, err := r.ReadAt(context.Background(), make([]byte, 1), 0); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%v", err)
		}
		r.Close()
	})
}
