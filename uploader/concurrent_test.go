package uploader_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// blocks are the parts of a file that are written and read as one: each holds
// its number and a version, over and over.
const block = 4096

func blockOf(p []byte, number, version uint32) {
	for i := 0; i < len(p); i += 8 {
		binary.LittleEndian.PutUint32(p[i:], number+1)
		binary.LittleEndian.PutUint32(p[i+4:], version)
	}
}

// versionOf returns the version that a block holds, if it is one version of it.
func versionOf(p []byte, number uint32) (uint32, error) {
	version := binary.LittleEndian.Uint32(p[4:])
	for i := 0; i < len(p); i += 8 {
		n, v := binary.LittleEndian.Uint32(p[i:]), binary.LittleEndian.Uint32(p[i+4:])
		if v != version || version > 0 && n != number+1 || version == 0 && n != 0 {
			return 0, fmt.Errorf("at byte %d it holds version %d of block %d, at its start version %d", i, v, int(n)-1, version)
		}
	}
	return version, nil
}

// TestReadersSeeWrites reads and writes blocks of a file from many sides while it
// is committed over and over, and while others take the memory away. A reader sees
// what was written before it began, or something newer.
func TestReadersSeeWrites(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*objstore.Profile)
		size   int
	}{
		{"direct", func(*objstore.Profile) {}, 12 * cell},
		{"segments", func(p *objstore.Profile) { p.Part.MaxCount, p.MaxCopy = 20, 2*cell }, 16 * cell},
		{"equal", func(p *objstore.Profile) { p.Part.Equal = true }, 12 * cell},
		{"whole", func(*objstore.Profile) {}, 2 * cell},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New(tight(c.change))
			cfg := tightConfig(t, store.Profile())
			cfg.Ladder = []uploader.Rung{{Size: cell, PerMille: 200}}
			s := &shared{t: t, u: newUploader(t, store, cfg)}
			s.f = s.u.Open("f", uploader.OpenOptions{})
			s.written = make([]atomic.Uint32, c.size/block)
			s.begun = make([]atomic.Uint32, c.size/block)
			if err := s.f.Truncate(t.Context(), int64(c.size)); err != nil {
				t.Fatal(err)
			}
			s.run()
			mustCommit(t, s.f)
			s.checkObject(store)
			mustClose(t, s.f)
			nothingLeft(t, s.u, store)
		})
	}
}

// shared is a file that several use at once. A block is written by one of them
// only; begun and written are the versions whose writing began and ended last.
type shared struct {
	t       *testing.T
	u       *uploader.Uploader
	f       *uploader.File
	begun   []atomic.Uint32
	written []atomic.Uint32
}

func (s *shared) run() {
	var users, others sync.WaitGroup
	var over atomic.Bool
	for i := range uint64(2) {
		users.Go(func() { s.write(rand.New(rand.NewPCG(i, 13)), int(i), 2) })
		users.Go(func() { s.read(rand.New(rand.NewPCG(i, 14))) })
	}
	others.Go(func() {
		for !over.Load() {
			mustCommit(s.t, s.f)
		}
	})
	others.Go(func() {
		for i := 0; !over.Load(); i++ {
			f := s.u.Open("other", uploader.OpenOptions{})
			mustWrite(s.t, f, make([]byte, 7*cell), 0)
			f.Discard(uploader.ErrWriterKilled)
			if err := f.Close(context.Background()); err == nil {
				s.t.Error("a discarded file was closed without an error")
			}
		}
	})
	users.Wait()
	over.Store(true)
	others.Wait()
}

func (s *shared) write(r *rand.Rand, first, step int) {
	p := make([]byte, 8*block)
	for v := uint32(1); v < 60 && !s.t.Failed(); v++ {
		n := first + step*r.IntN(len(s.written)/step)
		run := 1
		if r.IntN(3) == 0 { // cover cells, so that they are sent
			n, run = first+step*r.IntN(len(s.written)/step/32)*32, 32
		}
		for k := n; k < min(n+run*step, len(s.written)); k += step {
			s.begun[k].Store(v)
			blockOf(p[:block], uint32(k), v)
			mustWrite(s.t, s.f, p[:block], int64(k)*block)
			s.written[k].Store(v)
		}
	}
}

func (s *shared) read(r *rand.Rand) {
	p := make([]byte, block)
	for range 400 {
		if s.t.Failed() {
			return
		}
		n := r.IntN(len(s.written))
		least := s.written[n].Load()
		if k, err := s.f.ReadAt(context.Background(), p, int64(n)*block); k != block || err != nil {
			s.t.Errorf("read block %d: %d, %v", n, k, err)
			return
		}
		most := s.begun[n].Load()
		if v, err := versionOf(p, uint32(n)); err != nil || v < least || v > most {
			s.t.Errorf("read block %d: version %d, want %d to %d; %v", n, v, least, most, err)
		}
	}
}

func (s *shared) checkObject(store *mem.Store) {
	s.t.Helper()
	data, _, _ := store.Object("f")
	if len(data) != len(s.written)*block {
		s.t.Fatalf("the object has %d bytes", len(data))
	}
	for n := range s.written {
		if v, err := versionOf(data[n*block:(n+1)*block], uint32(n)); err != nil || v != s.written[n].Load() {
			s.t.Errorf("block %d of the object: version %d, want %d; %v", n, v, s.written[n].Load(), err)
		}
	}
}
