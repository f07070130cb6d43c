package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestTheWholeIsChecked reads objects to the end of which the store, or the line,
// has changed a byte: an end that is not an error would say that all was well.
func TestTheWholeIsChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int
		piece int
	}{
		{"small", 100, 4096}, {"one block", 256 << 10, 64 << 10}, {"large", 9<<20 + 5, 128 << 10}, {"in large pieces", 9 << 20, 1 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, algorithm := range []objstore.Algorithm{objstore.CRC64NVME, objstore.CRC32C} {
				f := newFile(t, c.size, onDisk(t.TempDir()))
				f.info.Checksum = objstore.SumOf(algorithm, f.content)
				if err := f.through(c.piece); err != nil {
					t.Errorf("%s: %v", algorithm, err)
				}
				f.c.Close()

				f = newFile(t, c.size, onDisk(t.TempDir()))
				f.info.Checksum = objstore.SumOf(algorithm, f.content)
				f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Corrupt, At: min(int64(c.size/2), 77_777), Times: 1})
				if err := f.through(c.piece); !errors.Is(err, cache.ErrDamaged) {
					t.Errorf("%s, a byte is another one: %v", algorithm, err)
				}
				if err := f.through(c.piece); err != nil { // nothing of it was kept
					t.Errorf("%s, read again: %v", algorithm, err)
				}
				f.c.Close()
			}
		})
	}
}

// through reads from the beginning to the end, as programs and the kernel do.
func (f *file) through(piece int) error {
	r := f.c.Open(f.info)
	defer r.Close()
	p := make([]byte, piece)
	for off := int64(0); off < r.Size(); off += int64(piece) {
		if _, err := r.ReadAt(context.Background(), p, off); err != nil && err != io.EOF {
			_, again := r.ReadAt(context.Background(), p, off)
			if !errors.Is(again, cache.ErrDamaged) {
				f.t.Errorf("%v, and then %v", err, again)
			}
			return err
		}
	}
	return nil
}

// TestWhatIsLeftOutIsNotChecked: there is nothing to say of an object of which
// only a part was read.
func TestWhatIsLeftOutIsNotChecked(t *testing.T) {
	f := newFile(t, 9<<20, cache.Config{Memory: 64 << 20})
	f.info.Checksum = objstore.SumOf(objstore.CRC64NVME, []byte("something else"))
	r := f.c.Open(f.info)
	defer r.Close()
	p := make([]byte, 128<<10)
	for _, off := range []int64{0, 5 << 20, 9<<20 - 128<<10} {
		n, err := r.ReadAt(context.Background(), p, off)
		if err != nil || !bytes.Equal(p[:n], f.content[off:][:n]) {
			t.Errorf("at %d: %d, %v", off, n, err)
		}
	}
}

// TestTheWholeIsCheckedAtOnce has the last two reads of a damaged object come at the same
// time, as the kernel's do: that of the end must not find that the other has let go of
// what is yet to be taken in.
func TestTheWholeIsCheckedAtOnce(t *testing.T) {
	const piece = 1 << 20
	f := newFile(t, 3*piece, cache.Config{Memory: 64 << 20})
	f.info.Checksum = objstore.SumOf(objstore.CRC64NVME, f.content)
	for range 300 {
		rule := f.f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Corrupt, At: 500, Times: 1})
		r := f.c.Open(f.info)
		read := func(off int64) error {
			_, err := r.ReadAt(t.Context(), make([]byte, piece), off)
			return err
		}
		if err := read(0); err != nil {
			t.Fatal(err)
		}
		middle := make(chan error, 1)
		go func() { middle <- read(piece) }()
		end := read(2 * piece)
		if err := <-middle; err != nil && !errors.Is(err, cache.ErrDamaged) {
			t.Fatalf("the middle: %v", err)
		}
		if !errors.Is(end, cache.ErrDamaged) {
			t.Fatalf("the end of what is damaged: %v", end)
		}
		r.Close()
		rule.Remove()
	}
}
