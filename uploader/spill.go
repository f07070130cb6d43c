package uploader

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// spill is an unlinked file that takes the bytes of cold cells when the budget
// is exhausted and nothing can be sent. It vanishes with the process.
type spill struct {
	dir   string
	slots int // the bound, in chunks

	mu   sync.Mutex
	file *os.File // nil before the first use
	next int      // slots beyond this were never used
	free []int
}

// put stores a chunk and returns its place. Without a place for it, be it that
// the bound is reached or that the disk is full, the error is ErrNoSpace.
func (s *spill) put(p []byte) (slot int, err error) {
	if slot, err = s.reserve(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	if _, err := s.file.WriteAt(p, int64(slot)*chunkSize); err != nil {
		s.release(slot)
		return 0, fmt.Errorf("%w: spill %d bytes: %w", ErrNoSpace, len(p), err)
	}
	return slot, nil
}

// errSpillFull says that the bound of the spill file is reached.
var errSpillFull = errors.New("spill file is full")

// reserve finds a place for one chunk.
func (s *spill) reserve() (slot int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "spill-")
		if err != nil {
			return 0, fmt.Errorf("make spill file: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			_ = f.Close()
			return 0, fmt.Errorf("unlink spill file: %w", err)
		}
		s.file = f
	}
	if n := len(s.free); n > 0 {
		slot, s.free = s.free[n-1], s.free[:n-1]
		return slot, nil
	}
	if s.next == s.slots {
		return 0, errSpillFull
	}
	s.next++
	return s.next - 1, nil
}

// read fills p from a place, beginning at an offset in it.
func (s *spill) read(slot int, p []byte, off int64) error {
	if _, err := s.file.ReadAt(p, int64(slot)*chunkSize+off); err != nil {
		return fmt.Errorf("read back %d spilled bytes: %w", len(p), err)
	}
	return nil
}

// release frees a place.
func (s *spill) release(slot int) {
	s.mu.Lock()
	s.free = append(s.free, slot)
	s.mu.Unlock()
}

// used returns the bytes that are spilled now.
func (s *spill) used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.next-len(s.free)) * chunkSize
}

func (s *spill) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
