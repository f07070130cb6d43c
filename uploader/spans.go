package uploader

import "sort"

// span is a range of bytes, from inclusive, to exclusive.
type span struct{ from, to int64 }

func (s span) len() int64 { return s.to - s.from }

// spans is a set of bytes: ascending, disjoint, not touching each other.
type spans []span

// add puts a range into the set.
func (s spans) add(n span) spans {
	if n.from >= n.to {
		return s
	}
	if k := len(s); k == 0 || s[k-1].to < n.from {
		return append(s, n)
	} else if last := &s[k-1]; last.from <= n.from { // the common case: appended to the last
		last.to = max(last.to, n.to)
		return s
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= n.from })
	j := i
	for j < len(s) && s[j].from <= n.to {
		n.from, n.to = min(n.from, s[j].from), max(n.to, s[j].to)
		j++
	}
	if i == j {
		s = append(s, span{})
		copy(s[i+1:], s[i:])
		s[i] = n
		return s
	}
	s[i] = n
	return append(s[:i+1], s[j:]...)
}

// remove takes a range out of the set.
func (s spans) remove(n span) spans {
	if n.from >= n.to {
		return s
	}
	var out spans
	for _, x := range s {
		if x.from < n.from {
			out = append(out, span{x.from, min(x.to, n.from)})
		}
		if x.to > n.to {
			out = append(out, span{max(x.from, n.to), x.to})
		}
	}
	return out
}

// has reports that the whole range is in the set.
func (s spans) has(n span) bool {
	if n.from >= n.to {
		return true
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= n.to })
	return i < len(s) && s[i].from <= n.from
}

// touches reports that some byte of the range is in the set.
func (s spans) touches(n span) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].to > n.from })
	return i < len(s) && s[i].from < n.to
}

// gaps returns the parts of a range that are not in the set.
func (s spans) gaps(n span) spans {
	var out spans
	at := n.from
	for _, x := range s {
		if x.to <= at {
			continue
		}
		if x.from >= n.to {
			break
		}
		if x.from > at {
			out = append(out, span{at, x.from})
		}
		at = x.to
	}
	if at < n.to {
		out = append(out, span{at, n.to})
	}
	return out
}

// within returns the parts of a range that are in the set.
func (s spans) within(n span) spans {
	var out spans
	for _, x := range s {
		if c := (span{max(x.from, n.from), min(x.to, n.to)}); c.from < c.to {
			out = append(out, c)
		}
	}
	return out
}

// total returns the number of bytes in the set.
func (s spans) total() int64 {
	var n int64
	for _, x := range s {
		n += x.len()
	}
	return n
}
