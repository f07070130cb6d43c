package meter

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Store counts the calls to the store underneath. All methods may be called from
// any number of goroutines.
type Store struct {
	under objstore.Store

	sent, received atomic.Int64

	mu     sync.Mutex
	counts map[kind]*Count
}

var _ objstore.Store = (*Store)(nil)

type kind struct{ op, status string }

// Count is how often an operation ended in one way, and how long that took
// altogether.
type Count struct {
	Op     string        `json:"op"`
	Status string        `json:"status"`
	Calls  int64         `json:"calls"`
	Took   time.Duration `json:"took_ns"`
}

// New returns a decorator of a store.
func New(under objstore.Store) *Store {
	return &Store{under: under, counts: map[kind]*Count{}}
}

// Profile implements objstore.Store.
func (s *Store) Profile() *objstore.Profile { return s.under.Profile() }

// Sent returns the bytes of the bodies that arrived.
func (s *Store) Sent() int64 { return s.sent.Load() }

// Received returns the bytes of bodies that were read.
func (s *Store) Received() int64 { return s.received.Load() }

// Counts returns all counts, by operation and status.
func (s *Store) Counts() []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Count, 0, len(s.counts))
	for _, c := range s.counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Status, b.Status))
	})
	return out
}

// around counts one call.
func around[T any](s *Store, op string, call func() (T, error)) (T, error) {
	began := time.Now()
	out, err := call()
	s.count(op, err, time.Since(began))
	return out, err
}

// alone counts one call that answers only with an error.
func alone(s *Store, op string, call func() error) error {
	_, err := around(s, op, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (s *Store) count(op string, err error, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := kind{op, statusOf(err)}
	c := s.counts[k]
	if c == nil {
		c = &Count{Op: k.op, Status: k.status}
		s.counts[k] = c
	}
	c.Calls++
	c.Took += took
}

func statusOf(err error) string {
	if err == nil {
		return "ok"
	}
	var e *objstore.Error
	if errors.As(err, &e) && e.Status != 0 {
		return strconv.Itoa(e.Status)
	}
	return "none"
}
