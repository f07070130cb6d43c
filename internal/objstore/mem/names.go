package mem

import (
	"maps"
	"slices"
)

// names is the sorted set of keys. Changes are gathered and merged in when the
// order is next asked for: making n objects and listing them costs one sort,
// not n insertions into a slice.
type names struct {
	sorted  []string
	added   map[string]bool
	removed map[string]bool
}

// add takes in a key that is not in the set.
func (n *names) add(key string) {
	if n.removed[key] {
		delete(n.removed, key)
		return
	}
	if n.added == nil {
		n.added = map[string]bool{}
	}
	n.added[key] = true
}

// remove takes out a key that is in the set.
func (n *names) remove(key string) {
	if n.added[key] {
		delete(n.added, key)
		return
	}
	if n.removed == nil {
		n.removed = map[string]bool{}
	}
	n.removed[key] = true
}

// all returns the keys in byte order. It must not be changed, and is replaced,
// not changed, by later calls.
func (n *names) all() []string {
	if len(n.added) == 0 && len(n.removed) == 0 {
		return n.sorted
	}
	added := slices.Sorted(maps.Keys(n.added))
	merged := make([]string, 0, len(n.sorted)+len(added))
	for _, key := range n.sorted {
		for len(added) > 0 && added[0] < key {
			merged = append(merged, added[0])
			added = added[1:]
		}
		if !n.removed[key] {
			merged = append(merged, key)
		}
	}
	merged = append(merged, added...)
	n.sorted, n.added, n.removed = merged, nil, nil
	return merged
}

// from returns the keys at or after the one given.
func (n *names) from(key string) []string {
	all := n.all()
	i, _ := slices.BinarySearch(all, key)
	return all[i:]
}
