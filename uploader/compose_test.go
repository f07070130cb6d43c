package uploader_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestComposeBehindSealedCells commits a file that needs memory for what it has
// to fetch, while all the memory is in cells that need a slot to leave.
func TestComposeBehindSealedCells(t *testing.T) {
	store := mem.New(tight())
	cfg := tightConfig(t, store.Profile())
	cfg.Concurrency = 1
	u := newUploader(t, store, cfg)
	want := noise(1, 5*cell)
	base := putObject(t, store, "patched", want)
	base.Full = true // nothing is asked for before the parts are sent
	patched := u.Open("patched", uploader.OpenOptions{Base: &base, Guard: objstore.Condition{ETag: base.ETag}})
	mustWrite(t, patched, []byte{1}, 2*cell+17)
	want[2*cell+17] = 1
	one := u.Open("one", uploader.OpenOptions{})
	mustWrite(t, one, []byte{1}, 0)
	var held []*uploader.File
	for i := range 5 {
		f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
		mustWrite(t, f, noise(uint64(i), cell), 0)
		held = append(held, f)
	}
	mustCommit(t, patched)
	holds(t, store, "patched", want)
	for i, f := range held {
		mustCommit(t, f)
		holds(t, store, fmt.Sprint(i), noise(uint64(i), cell))
		mustClose(t, f)
	}
	mustClose(t, patched)
	mustClose(t, one)
	nothingLeft(t, u, store)
}

// TestComposeTogether commits files at once that have all the memory in sealed
// cells, while each still has to fetch something.
func TestComposeTogether(t *testing.T) {
	for round := range 30 {
		store := mem.New(tight())
		cfg := tightConfig(t, store.Profile())
		cfg.Concurrency = 1 + round%3
		u := newUploader(t, store, cfg)
		var g sync.WaitGroup
		start := make(chan struct{})
		for i := range 6 {
			key := fmt.Sprint(i)
			want := noise(uint64(i), 2*cell-100)
			base := putObject(t, store, key, want)
			f := u.Open(key, uploader.OpenOptions{Base: &base})
			copy(want, noise(100, cell))
			mustWrite(t, f, want[:cell], 0)
			g.Go(func() {
				<-start
				mustCommit(t, f)
				holds(t, store, key, want)
				mustClose(t, f)
			})
		}
		close(start)
		g.Wait()
		nothingLeft(t, u, store)
	}
}

// TestComposeScattered changes many small places of a part: what has to be
// fetched between them comes in few requests, and in no more memory than the part.
func TestComposeScattered(t *testing.T) {
	for _, c := range []struct {
		name            string
		size, from, to  int
		every, many     int
		requests, bytes int64
	}{
		{"as parts", 8 * cell, 2 * cell, 3 * cell, 1024, 64, 1, cell},
		{"whole", cell, 0, cell, 512, 16, 1, cell},
		{"far apart", 2*cell - 1, 0, 2*cell - 1, chunk, 10, 5, 2 * cell},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New(tight())
			u := newUploader(t, store, tightConfig(t, store.Profile()))
			want := noise(1, c.size)
			base := putObject(t, store, "f", want)
			f := u.Open("f", uploader.OpenOptions{Base: &base})
			for off := c.from; off+c.many <= c.to; off += c.every {
				mustWrite(t, f, bytes.Repeat([]byte{7}, c.many), int64(off))
				copy(want[off:], bytes.Repeat([]byte{7}, c.many))
			}
			store.ResetCounts()
			mustCommit(t, f)
			holds(t, store, "f", want)
			if n := store.Counts()[objstore.OpGet]; n.Calls > c.requests || n.BytesOut > c.bytes {
				t.Errorf("%d requests fetched %d bytes, want at most %d and %d", n.Calls, n.BytesOut, c.requests, c.bytes)
			}
			mustClose(t, f)
			nothingLeft(t, u, store)
		})
	}
}

// TestStorm runs many files through everything at once in the least memory.
func TestStorm(t *testing.T) {
	profiles := []objstore.Profile{
		tight(),
		tight(func(p *objstore.Profile) { p.Part.Consecutive = true }),
		tight(func(p *objstore.Profile) { p.Part.Equal = true }),
	}
	for round := range max(6, *seeds/16) {
		p := profiles[round%len(profiles)]
		store := mem.New(p)
		cfg := tightConfig(t, &p)
		cfg.Concurrency = 1 + round%6
		u := newUploader(t, store, cfg)
		var g sync.WaitGroup
		for i := range uint64(12) {
			g.Go(func() { runStorm(t, u, store, (*begin-1+uint64(round))*100+i) })
		}
		g.Wait()
		nothingLeft(t, u, store)
		for _, k := range store.Keys() {
			if k[0] == '.' {
				t.Errorf("object %q left behind", k)
			}
		}
	}
}

func runStorm(t *testing.T, u *uploader.Uploader, store *mem.Store, seed uint64) {
	m := newModel(store, u, fmt.Sprint(seed, "/"))
	seq := generate(seed)
	_, err := m.play(seq)
	if err = errors.Join(err, m.end()); err != nil {
		t.Errorf("sequence %d: %v\n%s", seed, err, formatSequence(seq))
	}
}

// TestThresholdAboveMemory commits files below the threshold that do not fit
// into memory, at a store that makes it fetch all that was not written.
func TestThresholdAboveMemory(t *testing.T) {
	for _, whole := range []bool{false, true} {
		store := mem.New(tight(func(p *objstore.Profile) { p.PartCopy = whole }))
		cfg := tightConfig(t, store.Profile())
		cfg.Threshold = 1 << 30
		u := newUploader(t, store, cfg)
		want := noise(1, 20*cell)
		base := putObject(t, store, "f", want)
		f := u.Open("f", uploader.OpenOptions{Base: &base})
		for off := 0; off < len(want); off += cell {
			mustWrite(t, f, []byte{1}, int64(off))
			want[off] = 1
		}
		mustCommit(t, f)
		holds(t, store, "f", want)
		mustClose(t, f)
		nothingLeft(t, u, store)
	}
}
