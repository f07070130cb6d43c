package mem

import (
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Object returns a copy of an object's bytes and its properties; ok is false
// where there is none. It is not counted.
func (s *Store) Object(key string) (data []byte, info objstore.Info, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	if o == nil {
		return nil, objstore.Info{}, false
	}
	return o.bytes(), o.info(key), true
}

// Keys returns all keys in byte order. It is not counted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names.all())
}

// Uploads returns how many uploads are unfinished. It is not counted.
func (s *Store) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// Counts returns what was asked so far, by the name of the operation.
func (s *Store) Counts() map[string]Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Count, len(s.counters))
	for op, n := range s.counters {
		out[op] = *n
	}
	return out
}

// Calls returns how often the operations were asked for: of all where none is named.
func (s *Store) Calls(ops ...string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := int64(0)
	for op, n := range s.counters {
		if len(ops) == 0 || slices.Contains(ops, op) {
			total += n.Calls
		}
	}
	return total
}

// ResetCounts sets all counts to zero.
func (s *Store) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counters)
}

// Restore makes an archived object readable.
func (s *Store) Restore(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.thawed[key] = true
}
