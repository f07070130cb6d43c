package uploader

import (
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

// reserve finds a place for one chunk; ok is false when the spill is full.
func (s *spill) reserve() (slot int, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "spill-")
		if err != nil {
			return 0, false, fmt.Errorf("make spill file: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			_ = f.Close()
			return 0, false, fmt.Errorf("unlink spill file: %w", err)
		}
		s.file = f
	}
	if n := len(s.free); n > 0 {
		slot, s.free = s.free[n-1], s.free[:n-1]
		return slot, true, nil
	}
	if s.next == s.slots {
		return 0, false, nil
	}
	s.next++
	return s.next - 1, true, nil
}

// write stores a chunk in a reserved place.
func (s *spill) write(slot int, p []byte) error {
	if _, err := s.file.WriteAt(p, int64(slot)*chunkSize); err != nil {
		return fmt.Errorf("spill %d bytes: %w", len(p), err)
	}
	return nil
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
