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

// patterned is a store in which each 4 KiB of an object say where they are.
type patterned struct{ Store }

func patternAt(off int64) byte { return byte(off>>12)*31 + 1 }

// patternBytes repeats itself after 1 MiB.
var patternBytes = func() (p []byte) {
	for off := int64(0); off < 1<<20; off += 4096 {
		p = append(p, bytes.Repeat([]byte{patternAt(off)}, 4096)...)
	}
	return p
}()

func (patterned) Get(_ context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	return &patternBody{opts.Offset, opts.Offset + opts.Length}, objstore.Info{Key: key}, nil
}

type patternBody struct{ at, end int64 }

func (b *patternBody) Read(p []byte) (int, error) {
	if b.at == b.end {
		return 0, io.EOF
	}
	from := b.at % int64(len(patternBytes))
	n := copy(p[:min(int64(len(p)), b.end-b.at)], patternBytes[from:])
	b.at += int64(n)
	return n, nil
}

func (b *patternBody) Close() error { return nil }

// purse is a lender of some blocks. What it gets back it spoils, as who owns it does.
type purse struct {
	recall func(int64)

	mu        sync.Mutex
	left, out int64 // bytes
	calledIn  bool  // it lends no more
}

func (p *purse) OnShort(recall func(int64)) { p.recall = recall }

func (p *purse) Lend(n int) ([]byte, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calledIn || p.left < int64(n) {
		return nil, nil
	}
	p.left -= int64(n)
	p.out += int64(n)
	b := make([]byte, n)
	return b, func() {
		clear(b)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.left += int64(n)
		p.out -= int64(n)
	}
}

func (p *purse) Spare() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calledIn {
		return 0
	}
	return p.left + p.out
}

func (p *purse) lent() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out
}

// callIn asks for all that is lent, and lends nothing till it is told otherwise.
func (p *purse) callIn(on bool) {
	p.mu.Lock()
	p.calledIn = on
	n := p.out
	p.mu.Unlock()
	if on {
		p.recall(n)
	}
}

func newBorrowing(t *testing.T, own, spare int64) (*Cache, *purse) {
	t.Helper()
	lender := &purse{left: spare}
	c, err := New(patterned{}, Config{Memory: own, Lender: lender})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if n := lender.lent(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	return c, lender
}

// readRight reads a piece, from any goroutine, and compares it.
func readRight(t *testing.T, r *Reader, off int64, n int) {
	t.Helper()
	loan, err := r.Lend(t.Context(), make([]byte, n), off)
	defer loan.Return()
	if want := min(int64(n), r.Size()-off); err != nil && err != io.EOF || int64(loan.Len()) != want {
		t.Errorf("at %d: %d bytes, want %d: %v", off, loan.Len(), want, err)
	}
	for _, part := range loan.Parts() {
		for i := 0; i < len(part); i += 1024 {
			if at := off + int64(i); part[i] != patternAt(at) {
				t.Errorf("at %d: %d, want %d", at, part[i], patternAt(at))
				return
			}
		}
		off += int64(len(part))
	}
}

func TestStreamsGrowIntoWhatIsLent(t *testing.T) {
	const readers, spare = 2, 24 << 20
	c, lender := newBorrowing(t, 8<<20, spare)
	var open []*Reader
	for i := range readers {
		r := c.Open(info(fmt.Sprint("f", i), 1<<30))
		defer r.Close()
		open = append(open, r)
	}
	for off := int64(0); off < 16<<20; off += 1 << 20 {
		for _, r := range open {
			readRight(t, r, off, 1<<20)
		}
	}
	if n := lender.lent(); n < readers*maxRun/2 { // what each has use for, at a store that is near
		t.Errorf("%d MiB were borrowed of %d", n>>20, spare>>20)
	}
	for _, r := range open {
		r.Close()
	}
	c.idle()
	if n := lender.lent(); n != 0 {
		t.Errorf("%d bytes are still borrowed", n)
	}
}

func TestWhatIsCalledInIsGivenBack(t *testing.T) {
	for _, way := range []access{forward, backward, strided} {
		t.Run(fmt.Sprint(way), func(t *testing.T) {
			c, lender := newBorrowing(t, 4<<20, 16<<20)
			const size, piece = 1 << 30, 1 << 18
			r := c.Open(info("f", size))
			defer r.Close()
			next := func(i int64) {
				at := i * piece
				switch way {
				case backward:
					at = size - (i+1)*piece
				case strided:
					at = 1<<20 + i*5*piece
				}
				readRight(t, r, at, piece)
			}
			for i := range int64(40) {
				next(i)
			}
			c.idle()
			had := lender.lent()
			if had < 1<<20 {
				t.Fatalf("only %d KiB were borrowed", had>>10)
			}
			lender.recall(1 << 20)
			if n := had - lender.lent(); n != 1<<20 {
				t.Errorf("%d KiB came back of 1024", n>>10)
			}
			lender.callIn(true)
			if n := lender.lent(); n != 0 {
				t.Errorf("%d KiB did not come back", n>>10)
			}
			for i := range int64(40) {
				next(40 + i)
			}
			if n := lender.lent(); n != 0 {
				t.Errorf("%d KiB were borrowed of who has none", n>>10)
			}
			lender.callIn(false)
			for i := range int64(40) {
				next(80 + i)
			}
			if lender.lent() == 0 {
				t.Error("nothing was borrowed again")
			}
		})
	}
}

// TestReadersBesideRecalls reads in several ways at once while everything is called in
// again and again: all come to the right bytes, and nobody's are given back under a reply.
func TestReadersBesideRecalls(t *testing.T) {
	c, lender := newBorrowing(t, 4<<20, 8<<20)
	var reading, calling sync.WaitGroup
	over := make(chan struct{})
	calling.Go(func() {
		for on := true; ; on = !on {
			select {
			case <-over:
				lender.callIn(false)
				return
			default:
				lender.callIn(on)
			}
		}
	})
	for i := range 8 {
		reading.Go(func() {
			const size = 8 << 20
			r := c.Open(info(fmt.Sprint("f", i/2), size))
			defer r.Close()
			for off := int64(0); off < size; off += 300_000 {
				at := off
				if i%4 == 3 {
					at = max(0, size-off-300_000)
				}
				readRight(t, r, at, 300_000)
			}
		})
	}
	reading.Wait()
	close(over)
	calling.Wait()
}

// TestLittleMemoryFetchesOnce has readers share so little that what one read needs is more
// than is kept behind it. None of them counts as idle.
func TestLittleMemoryFetchesOnce(t *testing.T) {
	now := time.Now()
	for _, readers := range []int{1, 4, 16} {
		c := newZeros(t, Config{Memory: 16 << 20, Now: func() time.Time { return now }})
		const size = 8 << 20
		var all sync.WaitGroup
		for i := range readers {
			all.Go(func() {
				r := c.Open(info(fmt.Sprint("f", i), size))
				defer r.Close()
				for off := int64(0); off < size; off += 1 << 20 {
					c.read(t, r, off, 1<<20)
				}
			})
		}
		all.Wait()
		if s := c.Stats(); s.Fetched > s.Served+s.Served/50 {
			t.Errorf("%d readers: %d MiB were fetched for %d", readers, s.Fetched>>20, s.Served>>20)
		}
	}
}
