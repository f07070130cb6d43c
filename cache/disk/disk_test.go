package disk

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

const testBlock = 64 << 10

func newTier(t *testing.T, cfg Config) *Tier {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Size == 0 {
		cfg.Size = 64 << 20
	}
	cfg.Block, cfg.Store, cfg.Reserve, cfg.Whole = testBlock, "store", 1, 2*testBlock
	tier, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-tier.stop:
		default:
			tier.Close()
		}
	})
	return tier
}

func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// keep offers a whole object, block by block, and waits until it was written.
func keep(t *testing.T, o *Object, content []byte) {
	t.Helper()
	for i := 0; i*testBlock < len(content); i++ {
		done := make(chan struct{})
		o.Keep(int64(i), content[i*testBlock:min(len(content), (i+1)*testBlock)], func() { close(done) })
		<-done
	}
}

// read returns how many blocks of an object are there, all of which must be right.
func read(t *testing.T, o *Object, content []byte) (n int) {
	t.Helper()
	for i := 0; i*testBlock < len(content); i++ {
		want := content[i*testBlock : min(len(content), (i+1)*testBlock)]
		p := make([]byte, len(want))
		err := o.Read(int64(i), p)
		switch {
		case errors.Is(err, ErrAbsent):
		case err != nil:
			t.Errorf("block %d: %v", i, err)
		case !bytes.Equal(p, want):
			t.Errorf("block %d is another one", i)
		default:
			n++
		}
	}
	return n
}

func overwrite(path string, at int64, p []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(p, at)
	return errors.Join(err, f.Close())
}

// files returns the files of a directory that have a name.
func files(t *testing.T, tier *Tier, name string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tier.root, "??", "*", name))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// usage is what the files of a directory take, in bytes.
func usage(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += allocated(info)
		}
		return nil // what is being removed is not there
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBlocksOutliveTheTier(t *testing.T) {
	dir := t.TempDir()
	content := noise(5*testBlock+123, 1)
	first := newTier(t, Config{Dir: dir})
	o := first.Object("k", "e", int64(len(content)))
	if n := read(t, o, content); n != 0 {
		t.Errorf("%d blocks of nothing", n)
	}
	keep(t, o, content)
	o.Close()
	first.Close()
	unseal(t, first)

	second := newTier(t, Config{Dir: dir})
	o = second.Object("k", "e", int64(len(content)))
	defer o.Close()
	if _, ok := o.File(); ok {
		t.Error("a file is handed out that this process has not checked")
	}
	if n := read(t, o, content); n != 6 {
		t.Errorf("%d blocks of 6", n)
	}
	f := fileOf(t, o)
	if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file has %d bytes: %v", len(got), err)
	}
	for _, other := range []*Object{
		second.Object("l", "e", int64(len(content))), second.Object("k", "f", int64(len(content))), second.Object("k", "e", int64(len(content))-1),
	} {
		if n := read(t, other, content); n != 0 {
			t.Errorf("another object has %d of the blocks", n)
		}
		other.Close()
	}
}

func TestOnlyTheOwnerCanLookInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(filepath.Join(dir, layout), 0o755); err != nil {
		t.Fatal(err)
	}
	tier := newTier(t, Config{Dir: dir})
	info, err := os.Stat(tier.root)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestDamageIsNoticed spoils what is on the disk in every way that a crash or a
// bad disk could, and more.
func TestDamageIsNoticed(t *testing.T) {
	const blocks = 8
	content := noise(blocks*testBlock, 2)
	for _, c := range []struct {
		name  string
		spoil func(data, sums string) error
		left  int // blocks
	}{
		{"one bit", func(data, _ string) error {
			return overwrite(data, 3*testBlock+77, []byte{content[3*testBlock+77] ^ 1})
		}, blocks - 1},
		{"a block was not written", func(data, _ string) error { return overwrite(data, 2*testBlock, make([]byte, testBlock)) }, blocks - 1},
		{"half a block", func(data, _ string) error { return overwrite(data, testBlock/2, make([]byte, testBlock/2)) }, blocks - 1},
		{"half a checksum", func(_, sums string) error { return overwrite(sums, slotAt(1)+4, make([]byte, 4)) }, blocks - 1},
		{"all checksums", func(_, sums string) error { return overwrite(sums, slotAt(0), noise(blocks*slotSize, 3)) }, 0},
		{"no birth", func(_, sums string) error { return overwrite(sums, 0, make([]byte, birthSize)) }, 0},
		{"data cut", func(data, _ string) error { return os.Truncate(data, 5*testBlock+1) }, 0},
		{"sums cut", func(_, sums string) error { return os.Truncate(sums, slotAt(3)) }, 0},
		{"no data", func(data, _ string) error { return os.Remove(data) }, 0},
		{"no sums", func(_, sums string) error { return os.Remove(sums) }, 0},
		{"sums are a directory", func(_, sums string) error { return errors.Join(os.Remove(sums), os.Mkdir(sums, 0o700)) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			tier := newTier(t, Config{Dir: dir})
			o := tier.Object("k", "e", int64(len(content)))
			keep(t, o, content)
			o.Close()
			if err := c.spoil(files(t, tier, "data")[0], files(t, tier, "sums")[0]); err != nil {
				t.Fatal(err)
			}
			tier.Close()

			tier = newTier(t, Config{Dir: dir})
			o = tier.Object("k", "e", int64(len(content)))
			defer o.Close()
			if n := read(t, o, content); n != c.left {
				t.Errorf("%d blocks are there, want %d", n, c.left)
			}
			if _, ok := o.File(); ok {
				t.Error("a file is handed out that is not whole")
			}
			keep(t, o, content)
			if n := read(t, o, content); n != blocks && c.name != "sums are a directory" {
				t.Errorf("%d blocks after they were fetched again", n)
			}
		})
	}
}

// TestSizeIsKept writes far more than may be there, into many objects.
func TestSizeIsKept(t *testing.T) {
	const size = 4 << 20
	tier := newTier(t, Config{Size: size})
	content := noise(4*testBlock, 4)
	old := time.Now().Add(-time.Hour)
	for i := range 60 {
		o := tier.Object("k", string(rune('a'+i)), int64(len(content)))
		keep(t, o, content)
		o.Close()
		for _, f := range files(t, tier, "sums") { // as if it were long ago
			if err := os.Chtimes(f, old, old.Add(time.Duration(i)*time.Second)); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if n := usage(t, tier.root); n > size {
			t.Fatalf("%d bytes after %d objects, want at most %d", n, i+1, size)
		}
	}
	if s := tier.Stats(); s.Evicted == 0 && s.Dropped == 0 {
		t.Errorf("%+v: nothing had to be done to keep the size", s)
	}
}

// TestWhatIsWrittenDuringASweepCounts measures over and over while blocks are
// written: each measurement misses some of them.
func TestWhatIsWrittenDuringASweepCounts(t *testing.T) {
	const size = 4 << 20
	tier := newTier(t, Config{Size: size})
	done := make(chan struct{})
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := tier.sweep(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	content := noise(4*testBlock, 6)
	for i := range 100 {
		o := tier.Object("k", strconv.Itoa(i), int64(len(content)))
		keep(t, o, content)
		o.Close()
		if n := usage(t, tier.root); n > size {
			t.Errorf("%d bytes after %d objects, want at most %d", n, i+1, size)
			break
		}
	}
	close(done)
	sweeps.Wait()
}

func TestTheLeastRecentlyUsedGoesFirst(t *testing.T) {
	const size = 2 << 20
	dir := t.TempDir()
	tier := newTier(t, Config{Dir: dir, Size: 64 << 20})
	content := noise(4*testBlock, 5)
	for _, etag := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		o := tier.Object("k", etag, int64(len(content)))
		keep(t, o, content)
		o.Close()
	}
	old := time.Now().Add(-time.Hour)
	for _, f := range files(t, tier, "sums") {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	tier.Close()

	tier = newTier(t, Config{Dir: dir, Size: 64 << 20})
	o := tier.Object("k", "c", int64(len(content)))
	read(t, o, content)
	o.Close()
	tier.Close()

	tier = newTier(t, Config{Dir: dir, Size: size}) // too small for all of them
	if n := usage(t, tier.root); n > size {
		t.Errorf("%d bytes", n)
	}
	o = tier.Object("k", "c", int64(len(content)))
	defer o.Close()
	if n := read(t, o, content); n != 4 {
		t.Error("the one that was used is gone")
	}
	if tier.Stats().Evicted == 0 {
		t.Error("nothing was removed")
	}
}

// TestTheClockWasSet has the times of use of all that is there be noted by another clock.
func TestTheClockWasSet(t *testing.T) {
	content := noise(testBlock, 5)
	for _, by := range []time.Duration{-24 * time.Hour, 2 * touchEvery, 24 * time.Hour} {
		tier := newTier(t, Config{Size: 4 << 20})
		keepNew := func(key string) {
			o := tier.Object(key, "e", testBlock)
			defer o.Close()
			keep(t, o, content)
		}
		for i := range 30 {
			keepNew(strconv.Itoa(i))
		}
		clockWas(t, tier, by)
		keepNew("new")
		if gone := tier.evict(mustList(t, tier), 1<<40); gone == 0 {
			t.Errorf("%v: nothing is evicted", by)
		}
		if n := len(files(t, tier, "sums")); n != 1 {
			t.Errorf("%v: %d segments are left, want that which is used now", by, n)
		}
	}
}

// TestTheFirstOfTimesToComeGoesFirst: the clock was set back after all of it was used.
func TestTheFirstOfTimesToComeGoesFirst(t *testing.T) {
	tier := newTier(t, Config{})
	var o [3]*Object
	for i := range o {
		o[i] = tier.Object(strconv.Itoa(i), "e", testBlock)
		defer o[i].Close()
		keep(t, o[i], noise(testBlock, 5))
		used := time.Now().Add(time.Duration(i+1) * time.Hour)
		if err := os.Chtimes(filepath.Join(o[i].first().dir(), "sums"), used, used); err != nil {
			t.Fatal(err)
		}
	}
	for i := range o {
		tier.evict(mustList(t, tier), 1)
		if _, err := os.Stat(o[i].first().dir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is not the %dth that goes: %v", i, err)
		}
	}
}

// TestLeftoversOfTimesToComeAreRemoved has a mount killed before the clock was set back.
func TestLeftoversOfTimesToComeAreRemoved(t *testing.T) {
	tier := newTier(t, Config{})
	for name, ahead := range map[string]time.Duration{"new-1": 2 * leftover, "dead-1": 2 * leftover, "new-2": 0} {
		path, at := filepath.Join(tier.root, name), time.Now().Add(ahead)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	mustList(t, tier)
	left, err := filepath.Glob(filepath.Join(tier.root, "*-*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "new-2" {
		t.Errorf("%v are left, %v", left, err)
	}
}

// clockWas has all that is there be used at another time.
func clockWas(t *testing.T, tier *Tier, ahead time.Duration) {
	t.Helper()
	to := time.Now().Add(ahead)
	for _, f := range files(t, tier, "sums") {
		if err := os.Chtimes(f, to, to); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func mustList(t *testing.T, tier *Tier) []held {
	t.Helper()
	all, err := tier.list()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAFullDiskIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	free, _, err := diskSpace(dir)
	if err != nil {
		t.Fatal(err)
	}
	tier, err := Open(Config{Dir: dir, Size: 1 << 30, Block: testBlock, Reserve: free + 1<<30})
	if err != nil {
		t.Fatal(err)
	}
	defer tier.Close()
	content := noise(4*testBlock, 6)
	o := tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	keep(t, o, content)
	if n := usage(t, tier.root); n != 0 || tier.Stats().Dropped != 4 {
		t.Errorf("%d bytes written to a disk that has none to give, %+v", n, tier.Stats())
	}
}

// TestMountsShareADirectory has several tiers write, read and evict the same
// objects at once.
func TestMountsShareADirectory(t *testing.T) {
	dir := t.TempDir()
	var contents [6][]byte
	for i := range contents {
		contents[i] = noise((3+i)*testBlock+i, byte(10+i))
	}
	var all sync.WaitGroup
	for m := range 4 {
		tier := newTier(t, Config{Dir: dir, Size: 4 << 20})
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(m), 1))
			for range 30 {
				i := rnd.IntN(len(contents))
				o := tier.Object("k", string(rune('a'+i)), int64(len(contents[i])))
				read(t, o, contents[i])
				keep(t, o, contents[i])
				if f, ok := o.File(); ok {
					got := make([]byte, len(contents[i]))
					if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, contents[i]) {
						t.Errorf("a file with other bytes: %v", err)
					}
					f.Close()
				}
				if rnd.IntN(4) == 0 {
					o.Remove()
				}
				o.Close()
			}
		})
	}
	all.Wait()
	if left, err := filepath.Glob(filepath.Join(dir, layout, "*-*")); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// TestAFullQueueDrops has the disk stand still: who offers does not wait for it.
func TestAFullQueueDrops(t *testing.T) {
	tier := newTier(t, Config{Queue: 1})
	tier.mu.Lock() // the writer waits for it when it makes the first segment
	content := noise(testBlock, 7)
	o := tier.Object("k", "e", 100*testBlock)
	var done sync.WaitGroup
	done.Add(10)
	for i := range 10 {
		o.Keep(int64(i), content, done.Done)
	}
	if n := tier.Stats().Dropped; n < 8 {
		t.Errorf("%d blocks dropped of 10, where one is being written and one waits", n)
	}
	tier.mu.Unlock()
	done.Wait()
	o.Close()
}
