package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// A cell of the tests of memory is two chunks, and the least budget twelve.
const (
	chunk = uploader.ChunkSize
	cell  = 2 * chunk
)

func tight(change ...func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part = objstore.PartLimits{Min: cell, Max: 1 << 30, Align: 4096, MaxCount: 100}
	p.MaxCopy = 8 * cell
	for _, c := range change {
		c(&p)
	}
	return p
}

// tightConfig has the least memory that New accepts.
func tightConfig(t testing.TB, p *objstore.Profile) uploader.Config {
	return uploader.Config{
		Memory: uploader.MinMemory(p), Threshold: 2 * cell, Concurrency: 4, SpillDir: t.TempDir(),
		Ladder: []uploader.Rung{{Size: cell, PerMille: 400}},
	}
}

// noise returns bytes that are different for every seed.
func noise(seed uint64, n int) []byte {
	r := rand.NewPCG(seed, 9)
	p := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		v := r.Uint64()
		for k := range 8 {
			p[i+k] = byte(v >> (8 * k))
		}
	}
	return p[:n:n]
}

func mustWrite(t testing.TB, f *uploader.File, p []byte, off int64) {
	t.Helper()
	if n, err := f.WriteAt(context.Background(), p, off); n != len(p) || err != nil {
		t.Errorf("write %d bytes at %d: %d, %v", len(p), off, n, err)
	}
}

func mustCommit(t testing.TB, f *uploader.File) objstore.Info {
	t.Helper()
	info, err := f.Commit(context.Background())
	if err != nil {
		t.Errorf("commit: %v", err)
	}
	return info
}

func mustClose(t testing.TB, f *uploader.File) {
	t.Helper()
	if err := f.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func holds(t testing.TB, store *mem.Store, key string, want []byte) {
	t.Helper()
	got, _, ok := store.Object(key)
	if !ok {
		t.Errorf("%s: no object", key)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: %s", key, difference(got, want))
	}
}

// nothingLeft checks that all files that were closed gave back what they held.
func nothingLeft(t testing.TB, u *uploader.Uploader, store *mem.Store) {
	t.Helper()
	if s := u.Stats(); s.Memory != 0 || s.Spilled != 0 || s.Files != 0 || s.InFlight != 0 {
		t.Errorf("left behind: %+v", s)
	}
	if n := store.Uploads(); n != 0 {
		t.Errorf("%d uploads left unfinished", n)
	}
}

// waitFor returns once n callers wait for memory.
func waitFor(u *uploader.Uploader, n int) {
	for u.Waiting() < n {
		runtime.Gosched()
	}
}

// putObject makes an object behind the uploader's back.
func putObject(t testing.TB, store objstore.Store, key string, data []byte) objstore.Info {
	t.Helper()
	info, err := store.Put(context.Background(), key, objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data))}, objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestManySmallFiles holds far more files open than the budget has chunks.
func TestManySmallFiles(t *testing.T) {
	store := mem.New(tight())
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	files := make([]*uploader.File, 2000)
	want := func(i int) []byte { return fmt.Appendf(nil, "file %d", i) }
	for i := range files {
		files[i] = u.Open(fmt.Sprint(i), uploader.OpenOptions{})
		mustWrite(t, files[i], want(i), 0)
	}
	var g sync.WaitGroup
	for k := range 16 {
		g.Go(func() {
			for i := k; i < len(files); i += 16 {
				mustCommit(t, files[i])
				holds(t, store, fmt.Sprint(i), want(i))
				mustClose(t, files[i])
			}
		})
	}
	g.Wait()
	nothingLeft(t, u, store)
	if n := store.Calls(); n != int64(len(files)) {
		t.Errorf("%d requests for %d files", n, len(files))
	}
}

// TestManyWriters streams through little memory, each writer in an order of its own.
func TestManyWriters(t *testing.T) {
	for _, c := range []struct {
		name    string
		block   int
		shuffle int // blocks that change places; 1 is sequential
	}{
		{"in order", 32 << 10, 1},
		{"nearly in order", 24_000, 8},
		{"in any order", 40_000, 1 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New(tight())
			cfg := tightConfig(t, store.Profile())
			cfg.Memory *= 3
			u := newUploader(t, store, cfg)
			var g sync.WaitGroup
			for i := range uint64(64) {
				g.Go(func() {
					r := rand.New(rand.NewPCG(i, 10))
					want := noise(i, 1<<20+int(i)*997)
					f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
					for _, off := range order(r, len(want), c.block, c.shuffle) {
						mustWrite(t, f, want[off:min(off+c.block, len(want))], int64(off))
					}
					mustCommit(t, f)
					holds(t, store, fmt.Sprint(i), want)
					mustClose(t, f)
				})
			}
			g.Wait()
			nothingLeft(t, u, store)
		})
	}
}

// TestStreamsStaySmall streams several files, and looks at what is held when all
// that could leave has left: of each file its first cell and the one it is in,
// and of all of them together what was sent last.
func TestStreamsStaySmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			files = 8
			cell  = 5 << 20
			cells = 6
		)
		u := newUploader(t, newSink(), uploader.Config{PartSize: cell, SpillDir: t.TempDir()})
		p := noise(1, cell/2)
		var open [files]*uploader.File
		for i := range open {
			open[i] = u.Open(fmt.Sprint(i), uploader.OpenOptions{})
		}
		for n := range 2*cells + 1 {
			for _, f := range open {
				mustWrite(t, f, p, int64(n*len(p)))
			}
		}
		synctest.Wait()
		s := u.Stats()
		if s.Parts != files*cells {
			t.Errorf("%d parts were sent, want %d", s.Parts, files*cells)
		}
		if most := int64(files*(cell+len(p)) + uploader.KeptBehind); s.Memory > most {
			t.Errorf("%d MiB are held, want at most %d", s.Memory>>20, most>>20)
		}
		for _, f := range open {
			if err := f.Check(); err != nil {
				t.Error(err)
			}
			mustCommit(t, f)
			mustClose(t, f)
		}
	})
}

// TestDisorderIsNoRandomWriting has the kernel leave a piece out now and then, and write
// it when it is far behind: the more, the more memory the machine has. Only where much
// of a file is written like that are cells kept for what may come to them yet.
func TestDisorderIsNoRandomWriting(t *testing.T) {
	for _, c := range []struct {
		name   string
		every  int64 // so many cells, one comes late
		random bool
	}{{"stream", 20, false}, {"here and there", 3, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const cell, cells, behind = 5 << 20, 96, 20
				u := newUploader(t, newSink(), uploader.Config{PartSize: cell, SpillDir: t.TempDir()})
				p := noise(1, cell)
				f := u.Open("f", uploader.OpenOptions{})
				for i := range int64(cells) {
					if i%c.every > 0 {
						mustWrite(t, f, p, i*cell)
					}
					if late := i - behind; late >= 0 && late%c.every == 0 {
						mustWrite(t, f, p, late*cell)
					}
					synctest.Wait()
				}
				late := int64(behind/c.every+1) * cell // is not there yet, or was just sent
				if held := u.Stats().Memory; held > cell+uploader.KeptBehind+late != c.random {
					t.Errorf("%d MiB are held", held>>20)
				}
				mustCommit(t, f)
				mustClose(t, f)
			})
		})
	}
}

// order returns the offsets of blocks, shuffled within windows.
func order(r *rand.Rand, size, block, window int) []int {
	var out []int
	for off := 0; off < size; off += block {
		out = append(out, off)
	}
	for from := 0; from < len(out); from += window {
		w := out[from:min(from+window, len(out))]
		r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
	}
	return out
}

// TestIdleWriter leaves cells half filled while others stream past them.
func TestIdleWriter(t *testing.T) {
	store := mem.New(tight())
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	idle := u.Open("idle", uploader.OpenOptions{})
	want := noise(1, 10*cell)
	for off := 0; off < len(want); off += cell {
		mustWrite(t, idle, want[off:off+cell-100], int64(off)) // never a whole cell
		clear(want[off+cell-100 : off+cell])
	}
	for i := range uint64(4) {
		f := u.Open("busy", uploader.OpenOptions{})
		data := noise(i, 20*cell)
		mustWrite(t, f, data, 0)
		mustCommit(t, f)
		holds(t, store, "busy", data)
		mustClose(t, f)
	}
	if u.Stats().SpillTotal == 0 {
		t.Error("nothing was spilled")
	}
	mustWrite(t, idle, []byte("end"), int64(len(want)))
	got := make([]byte, len(want))
	if n, err := idle.ReadAt(t.Context(), got, 0); n != len(want) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d, %v: %s", n, err, difference(got, want))
	}
	mustCommit(t, idle)
	holds(t, store, "idle", append(want, "end"...))
	mustClose(t, idle)
	nothingLeft(t, u, store)
}

// TestSpillIsBounded fills memory and spill file with what cannot be sent. The
// writer that comes then fails, and only it; space that is freed is used again.
func TestSpillIsBounded(t *testing.T) {
	store := mem.New(tight())
	cfg := tightConfig(t, store.Profile())
	cfg.Spill = 20 * chunk
	u := newUploader(t, store, cfg)
	room := int(cfg.Memory+cfg.Spill) / chunk
	var files []*uploader.File
	open := func(i int) *uploader.File {
		f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
		files = append(files, f)
		return f
	}
	for i := range room / 2 { // two chunks each, so that a cell can be spilled in half
		f := open(i)
		mustWrite(t, f, []byte{byte(i)}, 0)
		mustWrite(t, f, []byte{byte(i)}, chunk)
	}
	late := open(room)
	if _, err := late.WriteAt(t.Context(), []byte("late"), 0); !errors.Is(err, uploader.ErrNoSpace) {
		t.Fatalf("write into a full spill: %v", err)
	}
	if s := u.Stats(); s.Spilled > cfg.Spill || s.Memory > cfg.Memory {
		t.Errorf("beyond the bounds: %+v", s)
	}
	if _, err := late.Commit(t.Context()); !errors.Is(err, uploader.ErrNoSpace) {
		t.Errorf("a commit after a write that failed: %v", err)
	}
	if err := late.Close(t.Context()); !errors.Is(err, uploader.ErrNoSpace) {
		t.Errorf("close: %v", err)
	}
	for i, f := range files[:room/2] {
		mustCommit(t, f)
		want := make([]byte, chunk+1)
		want[0], want[chunk] = byte(i), byte(i)
		holds(t, store, fmt.Sprint(i), want)
		mustClose(t, f)
	}
	again := open(room + 1)
	mustWrite(t, again, noise(1, 20*cell), 0)
	mustCommit(t, again)
	mustClose(t, again)
	nothingLeft(t, u, store)
}

// TestSpillFullManyWait leaves more than one writer waiting when there is no
// place left: every one of them gets an answer.
func TestSpillFullManyWait(t *testing.T) {
	store := mem.New(tight())
	cfg := tightConfig(t, store.Profile())
	cfg.Spill = chunk
	u := newUploader(t, store, cfg)
	idle := u.Open("idle", uploader.OpenOptions{})
	for i := range cfg.Memory/cell - 1 {
		mustWrite(t, idle, []byte{1}, i*cell)
		mustWrite(t, idle, []byte{1}, i*cell+chunk)
	}
	var g sync.WaitGroup
	failed := make(chan error, 16)
	for i := range cap(failed) {
		g.Go(func() {
			f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
			_, err := f.WriteAt(context.Background(), []byte{1}, 0)
			if err == nil {
				_, err = f.WriteAt(context.Background(), []byte{1}, chunk)
			}
			if err == nil {
				_, err = f.Commit(context.Background())
			}
			if closed := f.Close(context.Background()); !errors.Is(closed, err) {
				t.Errorf("close after %v: %v", err, closed)
			}
			failed <- err
		})
	}
	g.Wait()
	for range cap(failed) {
		if err := <-failed; err != nil && !errors.Is(err, uploader.ErrNoSpace) {
			t.Error(err)
		}
	}
	mustCommit(t, idle)
	mustClose(t, idle)
	nothingLeft(t, u, store)
}

// TestSpillCannotBeMade has the writer that needs it fail, and nobody else.
func TestSpillCannotBeMade(t *testing.T) {
	store := mem.New(tight())
	cfg := tightConfig(t, store.Profile())
	cfg.SpillDir += "/missing"
	u := newUploader(t, store, cfg)
	idle := u.Open("idle", uploader.OpenOptions{})
	want := make([]byte, cfg.Memory-cell+1)
	for off := int64(0); off < cfg.Memory; off += cell {
		mustWrite(t, idle, []byte{1}, off)
		want[off] = 1
		if off+chunk < int64(len(want)) {
			mustWrite(t, idle, []byte{1}, off+chunk)
			want[off+chunk] = 1
		}
	}
	mustWrite(t, u.Open("fits", uploader.OpenOptions{}), []byte{1}, 0)
	late := u.Open("late", uploader.OpenOptions{})
	if _, err := late.WriteAt(t.Context(), []byte{1}, 0); !errors.Is(err, uploader.ErrNoSpace) {
		t.Errorf("write: %v", err)
	}
	mustCommit(t, idle)
	holds(t, store, "idle", want)
}

// TestTruncateFreesMemory cuts a page off in front of the bytes that it has.
func TestTruncateFreesMemory(t *testing.T) {
	store := mem.New(tight())
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	f := u.Open("f", uploader.OpenOptions{})
	mustWrite(t, f, noise(1, 1000), 50_000)
	if err := f.Truncate(t.Context(), 10_000); err != nil {
		t.Error(err)
	}
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	mustCommit(t, f)
	holds(t, store, "f", make([]byte, 10_000))
	mustClose(t, f)
	nothingLeft(t, u, store)
}

// full fills the budget with parts that are held at a gate on their way, and
// returns the file that they are of.
func full(t *testing.T, u *uploader.Uploader, gate *fault.Gate, parts int) *uploader.File {
	t.Helper()
	f := u.Open("full", uploader.OpenOptions{})
	want := noise(1, parts*cell)
	for at := 0; at < len(want); at += cell { // begun before any of it leaves: no writer is held back
		mustWrite(t, f, want[at+1:at+cell], int64(at+1))
	}
	for at := 0; at < len(want); at += cell {
		mustWrite(t, f, want[at:at+1], int64(at))
	}
	for range min(parts, 4) {
		<-gate.Arrived()
	}
	return f
}

func gated(t *testing.T, op, key string) (*mem.Store, *fault.Store, *fault.Gate) {
	t.Helper()
	under := mem.New(tight())
	store := fault.New(under)
	gate := fault.NewGate()
	t.Cleanup(gate.Open)
	store.Add(fault.Rule{Op: op, KeyContains: key, Mode: fault.Delay, Gate: gate})
	return under, store, gate
}

// TestCancelWait ends waits for memory with the writer's context. The file is
// none the worse for it.
func TestCancelWait(t *testing.T) {
	under, store, gate := gated(t, objstore.OpUploadPart, "full")
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	other := full(t, u, gate, 6)
	f := u.Open("f", uploader.OpenOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	for range 3 {
		go func() {
			n, err := f.WriteAt(ctx, []byte("waits"), 0)
			if n != 0 {
				err = fmt.Errorf("%d bytes written", n)
			}
			got <- err
		}()
	}
	waitFor(u, 3)
	cancel()
	for range 3 {
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("write: %v", err)
		}
	}
	if _, err := f.WriteAt(ctx, []byte("late"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("write after the end of its context: %v", err)
	}
	gate.Open()
	mustWrite(t, f, []byte("later"), 0)
	mustCommit(t, f)
	holds(t, under, "f", []byte("later"))
	mustClose(t, f)
	mustCommit(t, other)
	mustClose(t, other)
	nothingLeft(t, u, under)
}

// TestDiscardWakesWriters ends waits for memory when their file is given up.
func TestDiscardWakesWriters(t *testing.T) {
	under, store, gate := gated(t, objstore.OpUploadPart, "full")
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	other := full(t, u, gate, 6)
	f := u.Open("f", uploader.OpenOptions{})
	got := make(chan error)
	go func() {
		_, err := f.WriteAt(context.Background(), []byte("waits"), 0)
		got <- err
	}()
	waitFor(u, 1)
	f.Discard(uploader.ErrWriterKilled)
	if err := <-got; !errors.Is(err, uploader.ErrWriterKilled) {
		t.Errorf("write: %v", err)
	}
	if err := f.Close(t.Context()); !errors.Is(err, uploader.ErrWriterKilled) {
		t.Errorf("close: %v", err)
	}
	gate.Open()
	mustCommit(t, other)
	mustClose(t, other)
	nothingLeft(t, u, under)
}

// TestCloseWakesWriters ends the uploader while writers wait for memory and for
// a store that does not answer.
func TestCloseWakesWriters(t *testing.T) {
	for _, hang := range []bool{false, true} {
		under := mem.New(tight())
		store := fault.New(under)
		gate := fault.NewGate()
		rule := fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Delay, Gate: gate}
		if hang {
			rule = fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Hang}
		}
		store.Add(rule)
		cfg := tightConfig(t, store.Profile())
		u, err := uploader.New(t.Context(), store, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var g sync.WaitGroup
		var files []*uploader.File
		for i := range 20 {
			f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
			files = append(files, f)
			g.Go(func() {
				_, err := f.WriteAt(context.Background(), noise(1, 10*cell), 0)
				if err == nil {
					_, err = f.Commit(context.Background())
				}
				if !errors.Is(err, uploader.ErrClosed) {
					t.Errorf("write and commit: %v", err)
				}
			})
		}
		waitFor(u, 1)
		if err := u.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		g.Wait()
		for _, f := range files {
			if err := f.Close(t.Context()); !errors.Is(err, uploader.ErrClosed) {
				t.Errorf("close of the file: %v", err)
			}
		}
		if n := under.Uploads(); n != 0 {
			t.Errorf("%d uploads left unfinished", n)
		}
		if len(under.Keys()) != 0 {
			t.Errorf("objects %v", under.Keys())
		}
	}
}

// TestMemoryComesFromCommits has a writer wait for memory that only the end of
// other files' commits can free: the bodies of single requests, and parts.
func TestMemoryComesFromCommits(t *testing.T) {
	for _, c := range []struct {
		op   string
		size int
	}{
		{objstore.OpPut, 2*cell - 1},        // no cell is sealed but the first
		{objstore.OpUploadPart, 2*cell - 1}, // as parts, being above the threshold
	} {
		under, store, gate := gated(t, c.op, "full")
		cfg := tightConfig(t, store.Profile())
		if c.op == objstore.OpUploadPart {
			cfg.Threshold = 1
		}
		u := newUploader(t, store, cfg)
		var g sync.WaitGroup
		want := noise(3, c.size)
		var files []*uploader.File
		for i := range 3 {
			f := u.Open(fmt.Sprint("full", i), uploader.OpenOptions{})
			files = append(files, f)
			if _, err := f.WriteAt(t.Context(), want[1:], 1); err != nil { // covers nothing yet
				t.Fatal(err)
			}
			if _, err := f.WriteAt(t.Context(), want[:1], 0); err != nil {
				t.Fatal(err)
			}
			g.Go(func() { mustCommit(t, f) })
		}
		for range 3 {
			<-gate.Arrived()
		}
		f := u.Open("f", uploader.OpenOptions{})
		g.Go(func() { mustWrite(t, f, []byte("waits"), 0) })
		waitFor(u, 1)
		gate.Open()
		g.Wait()
		for _, f := range files {
			mustClose(t, f)
		}
		mustCommit(t, f)
		mustClose(t, f)
		holds(t, under, "full2", want)
		nothingLeft(t, u, under)
	}
}
