package uploader

import "sort"

// source is an object that holds bytes of a file under write: the object as it
// was opened or last committed, or a hidden one that was staged.
type source struct {
	key, etag string
	size      int64 // bytes of the whole object
	hidden    bool  // ours to delete once nothing is read from it
}

// remote says that a range of the file is a range of an object.
type remote struct {
	span
	src source
	off int64 // in the object, of the range's first byte
}

// remotes are the ranges of a file that the store holds in finished objects:
// ascending and disjoint. Neighbours that continue each other in one object are one.
type remotes []remote

// put lays a range over whatever was there.
func (r remotes) put(n remote) remotes {
	if n.from >= n.to {
		return r
	}
	out := r.remove(n.span)
	i := sort.Search(len(out), func(i int) bool { return out[i].from >= n.to })
	out = append(out, remote{})
	copy(out[i+1:], out[i:])
	out[i] = n
	if i+1 < len(out) && out[i].continues(out[i+1]) {
		out[i].to = out[i+1].to
		out = append(out[:i+1], out[i+2:]...)
	}
	if i > 0 && out[i-1].continues(out[i]) {
		out[i-1].to = out[i].to
		out = append(out[:i], out[i+1:]...)
	}
	return out
}

func (a remote) continues(b remote) bool {
	return a.to == b.from && a.src == b.src && a.off+a.len() == b.off
}

// remove makes a range a hole.
func (r remotes) remove(n span) remotes {
	if n.from >= n.to {
		return r
	}
	out := make(remotes, 0, len(r)+2)
	for _, x := range r {
		if x.from < n.from {
			y := x
			y.to = min(x.to, n.from)
			out = append(out, y)
		}
		if x.to > n.to {
			y := x
			y.from = max(x.from, n.to)
			y.off += y.from - x.from
			out = append(out, y)
		}
	}
	return out
}

// within returns the ranges inside n, cut to it.
func (r remotes) within(n span) remotes {
	var out remotes
	i := sort.Search(len(r), func(i int) bool { return r[i].to > n.from })
	for ; i < len(r) && r[i].from < n.to; i++ {
		y := r[i]
		y.from, y.to = max(y.from, n.from), min(y.to, n.to)
		y.off += y.from - r[i].from
		out = append(out, y)
	}
	return out
}

// fetchOver is how many bytes that are held already are fetched again rather than
// making another request for what lies behind them: what one connection brings
// in the time of a request.
const fetchOver = 1 << 20

// together divides off the first ranges that are best fetched with one request:
// those that lie in one object as they lie in the file, with little between them.
func (r remotes) together() (first, rest remotes) {
	n := 1
	for n < len(r) && r[n].src == r[0].src && r[n].off-r[n].from == r[0].off-r[0].from && r[n].from-r[n-1].to <= fetchOver {
		n++
	}
	return r[:n], r[n:]
}

// hull returns the range from the start of the first to the end of the last of
// ranges that belong together.
func (r remotes) hull() remote {
	out := r[0]
	out.to = r[len(r)-1].to
	return out
}

// total returns the bytes that are remote.
func (r remotes) total() int64 {
	var n int64
	for _, x := range r {
		n += x.len()
	}
	return n
}
