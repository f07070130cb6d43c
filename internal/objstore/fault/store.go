package fault

import (
	"context"
	"slices"
	"sync"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Store fails by script and is otherwise the store underneath. All methods may
// be called from any number of goroutines.
type Store struct {
	under objstore.Store

	mu    sync.Mutex
	rules []*Active
	calls map[string]int64
	hits  map[string]int64
}

var _ objstore.Store = (*Store)(nil)

// New returns a decorator of a store, with no rules.
func New(under objstore.Store) *Store {
	return &Store{under: under, calls: map[string]int64{}, hits: map[string]int64{}}
}

// Add puts a rule behind those there are.
func (s *Store) Add(r Rule) *Active {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &Active{rule: r, store: s}
	s.rules = append(s.rules, a)
	return a
}

// Clear removes all rules. Calls that a gate holds stay held.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// Calls returns how often the operations were asked for, the calls that were
// kept from the store included: of all where none is named.
func (s *Store) Calls(ops ...string) int64 { return s.total(s.calls, ops) }

// Hits returns how many of the calls a rule has acted on.
func (s *Store) Hits(ops ...string) int64 { return s.total(s.hits, ops) }

func (s *Store) total(counts map[string]int64, ops []string) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for op, k := range counts {
		if len(ops) == 0 || slices.Contains(ops, op) {
			n += k
		}
	}
	return n
}

func (s *Store) remove(a *Active) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = slices.DeleteFunc(s.rules, func(b *Active) bool { return a == b })
}

// take returns the rule for a call: one that does nothing where there is none.
func (s *Store) take(op string, keys ...string) *Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	for _, a := range s.rules {
		if !a.rule.matches(op, keys) {
			continue
		}
		a.seen++
		acted := a.seen - a.rule.After
		if acted <= 0 || a.rule.Times > 0 && acted > a.rule.Times {
			continue
		}
		a.hits.Add(1)
		s.hits[op]++
		return &a.rule
	}
	return &Rule{}
}

// around makes one call with what its rule does before and after it.
func around[T any](ctx context.Context, r *Rule, op, key string, do func() (T, error)) (T, error) {
	var none T
	if err := r.before(ctx, op, key); err != nil {
		return none, err
	}
	out, err := do()
	if r.Mode == LoseAnswer {
		return none, broken(op, key)
	}
	return out, err
}
