package cache_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// readFile checks the whole file in pieces, and returns how many GETs that took.
func (f *file) readFile(c *cache.Cache, piece int) int64 {
	f.t.Helper()
	before, _ := f.gets()
	r := c.Open(f.info)
	defer r.Close()
	for off := 0; off < len(f.content); off += piece {
		f.read(r, int64(off), piece)
	}
	after, _ := f.gets()
	return after - before
}

func onDisk(dir string) cache.Config {
	return cache.Config{Memory: 64 << 20, DiskDir: dir, DiskSize: 1 << 30, DiskName: "bucket"}
}

// wholeFile waits until an object is handed out as a file of the disk.
func wholeFile(t *testing.T, r *cache.Reader) *os.File {
	t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if file, whole := r.File(); whole {
			t.Cleanup(func() { file.Close() })
			return file
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("not all of it is there, or not found to be right")
		}
	}
}

// TestTheDiskOutlivesTheCache reads a file that another cache has read before.
func TestTheDiskOutlivesTheCache(t *testing.T) {
	for _, size := range []int{1, 4096, 256 << 10, 256<<10 + 1, 5<<20 + 12345} {
		dir := t.TempDir()
		f := newFile(t, size, onDisk(dir))
		if n := f.readFile(f.c, 128<<10); n == 0 {
			t.Error("nothing was fetched at first")
		}
		f.c.Close()
		second := newCache(t, f.f, onDisk(dir))
		if n := f.readFile(second, 100_000); n != 0 {
			t.Errorf("size %d: %d GETs for what is on the disk", size, n)
		}
		r := second.Open(f.info)
		if size >= 1<<20 {
			wholeFile(t, r)
		}
		r.Close()
		second.Close()

		third := newCache(t, f.f, onDisk(dir))
		before, _ := f.gets()
		r = third.Open(f.info)
		rnd := rand.New(rand.NewPCG(uint64(size), 5))
		for range 30 {
			f.read(r, rnd.Int64N(int64(size)), 64<<10)
		}
		r.Close()
		if after, _ := f.gets(); after != before {
			t.Errorf("size %d: %d GETs for random reads of what is on the disk", size, after-before)
		}

		other := onDisk(dir)
		other.DiskName = "another bucket"
		if n := f.readFile(newCache(t, f.f, other), 128<<10); n == 0 {
			t.Errorf("size %d: another bucket has the same blocks", size)
		}
	}
}

// spoil changes bytes of what the disk has of the file.
func (f *file) spoil(dir string, at ...int64) {
	f.t.Helper()
	data, err := filepath.Glob(filepath.Join(dir, "*", "??", "*", "data"))
	if err != nil || len(data) != 1 {
		f.t.Fatalf("%v, %v", data, err)
	}
	onDisk, err := os.OpenFile(data[0], os.O_WRONLY, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	defer onDisk.Close()
	for _, off := range at {
		if _, err := onDisk.WriteAt([]byte{f.content[off] + 1}, off); err != nil {
			f.t.Fatal(err)
		}
	}
}

// TestDamageOnTheDiskIsFetchedAgain spoils bytes here and there.
func TestDamageOnTheDiskIsFetchedAgain(t *testing.T) {
	for _, piece := range []int{128 << 10, 1 << 20} {
		testDamageOnTheDisk(t, piece)
	}
}

func testDamageOnTheDisk(t *testing.T, piece int) {
	dir := t.TempDir()
	f := newFile(t, 6<<20, onDisk(dir))
	f.info.Checksum = objstore.Digest{}
	f.readFile(f.c, 128<<10)
	f.c.Close()
	f.spoil(dir, 1000, 2<<20, 6<<20-1)
	second := newCache(t, f.f, onDisk(dir))
	if n := f.readFile(second, piece); n == 0 {
		t.Error("nothing was fetched again")
	}
	second.Close()
	if n := f.readFile(newCache(t, f.f, onDisk(dir)), piece); n != 0 {
		t.Errorf("%d GETs: what was fetched again was not kept", n)
	}
}

// TestDamageUnderAReaderIsFetchedAgain spoils the disk when all of it was found to be
// right: while a reader has the file, and between two.
func TestDamageUnderAReaderIsFetchedAgain(t *testing.T) {
	for _, open := range []bool{true, false} {
		dir := t.TempDir()
		f := newFile(t, 6<<20, onDisk(dir))
		f.info.Checksum = objstore.Digest{}
		f.readFile(f.c, 1<<20)
		f.c.Close()
		c := newCache(t, f.f, onDisk(dir))
		r := c.Open(f.info)
		f.readFile(c, 1<<20)
		wholeFile(t, r)
		f.read(r, 0, 1<<20) // from the file
		if !open {
			r.Close()
		}
		f.spoil(dir, 3<<20)
		before, _ := f.gets()
		if !open {
			r = c.Open(f.info)
		}
		for off := 0; off < len(f.content); off += 1 << 20 {
			f.read(r, int64(off), 1<<20)
		}
		if after, _ := f.gets(); after == before {
			t.Error("nothing was fetched again")
		}
		r.Close()
	}
}

// TestReadersOfOneDirectory has caches read through a directory that is too small.
func TestReadersOfOneDirectory(t *testing.T) {
	cfg := onDisk(t.TempDir())
	cfg.DiskSize = 2 << 20
	f := newFile(t, 3<<20+77, cfg)
	caches := []*cache.Cache{f.c, newCache(t, f.f, cfg), newCache(t, f.f, cfg)}
	done := make(chan struct{})
	for i, c := range caches {
		go func() {
			defer func() { done <- struct{}{} }()
			r := c.Open(f.info)
			defer r.Close()
			rnd := rand.New(rand.NewPCG(uint64(i), 9))
			for range 12 {
				walk(f, r, rnd)
			}
		}()
	}
	for range caches {
		<-done
	}
}

// TestWholeBlocksOfTheDiskPassNoMemory reads a file that another cache has kept, in pieces
// of whole blocks, up to the end of what is there.
func TestWholeBlocksOfTheDiskPassNoMemory(t *testing.T) {
	dir := t.TempDir()
	f := newFile(t, 5<<20+12345, onDisk(dir))
	f.info.Checksum = objstore.Digest{}
	f.readFile(f.c, 1<<20)
	f.c.Close()
	second := newCache(t, f.f, onDisk(dir))
	r := second.Open(f.info)
	for off := 0; off < len(f.content); off += 1 << 20 {
		f.read(r, int64(off), 1<<20)
	}
	if s := second.Stats(); s.Held != 0 {
		t.Errorf("%d bytes of blocks in memory", s.Held)
	}
	wholeFile(t, r)
	r.Close()
	second.Close()

	f.info.Checksum = objstore.SumOf(objstore.CRC64NVME, f.content[1:]) // what the disk has is not what was stored
	third := newCache(t, f.f, onDisk(dir))
	r = third.Open(f.info)
	defer r.Close()
	damaged := false
	for off := 0; off < len(f.content); off += 1 << 20 {
		_, err := r.ReadAt(t.Context(), make([]byte, 1<<20), int64(off))
		damaged = damaged || errors.Is(err, cache.ErrDamaged)
	}
	if !damaged {
		t.Error("it was not held against the checksum of the whole")
	}
}

// TestHalfOfAFileOnTheDisk goes on with what the store has.
func TestHalfOfAFileOnTheDisk(t *testing.T) {
	dir := t.TempDir()
	f := newFile(t, 24<<20, onDisk(dir))
	f.info.Checksum = objstore.Digest{}
	r := f.c.Open(f.info)
	f.read(r, 0, 1<<20)
	r.Close()
	f.c.Close()
	second := newCache(t, f.f, onDisk(dir))
	_, before := f.gets()
	f.readFile(second, 1<<20)
	if _, after := f.gets(); after == before || after-before > 23<<20 {
		t.Errorf("%d bytes were fetched", after-before)
	}
}

// TestAWholeFileIsReadPastTheBlocks reads, with no room for a block, what was found to
// be right before; and what does not agree with the store's checksum only by blocks.
func TestAWholeFileIsReadPastTheBlocks(t *testing.T) {
	dir := t.TempDir()
	f := newFile(t, 5<<20+12345, onDisk(dir))
	f.info.Checksum = objstore.Digest{}
	f.readFile(f.c, 128<<10)
	f.c.Close()
	for _, sum := range []objstore.Digest{
		{}, objstore.SumOf(objstore.CRC64NVME, f.content), objstore.SumOf(objstore.CRC32C, f.content),
	} {
		f.info.Checksum = sum
		c := newCache(t, f.f, onDisk(dir))
		r := c.Open(f.info)
		for off := len(f.content) - 1; off >= 0; off -= 256 << 10 { // every block is found to be right
			f.read(r, int64(off), 1)
		}
		wholeFile(t, r)
		r.Close()
		for range 2 {
			if n := f.readFile(c, 100_000); n != 0 {
				t.Errorf("%d GETs", n)
			}
		}
		r = c.Open(f.info)
		wholeFile(t, r)
		loan, err := r.Lend(t.Context(), make([]byte, 100), 0)
		if err != nil || loan.Len() != 100 {
			t.Errorf("%d, %v", loan.Len(), err)
		}
		r.Close() // while the loan is out
		loan.Return()
		c.Close()
	}
	for _, algorithm := range []objstore.Algorithm{objstore.CRC64NVME, objstore.CRC32C} {
		f.info.Checksum = objstore.SumOf(algorithm, f.content[1:]) // what the disk has is not what was stored
		r := newCache(t, f.f, onDisk(dir)).Open(f.info)
		if _, whole := r.File(); whole {
			t.Errorf("%s: it is handed out", algorithm)
		}
		r.Close()
	}
}
