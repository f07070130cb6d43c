package cache

import (
	"slices"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// maxRanges is how many pages from the middle of a large directory are kept.
const maxRanges = 8

// listing is what is known of a directory from LISTs. It is never changed:
// what adds to it makes a new one, which shares the pages.
type listing struct {
	dir    string
	pages  []*page // from the beginning on, without a gap
	token  string  // of the page after the last; "" when there is none
	ranges []*page // pages from further on, the newest first
	large  bool    // it had more than one page when it was listed last
	probes *probes // shared by all versions
}

// page returns the one that covers a label and is of use, or nil. usable says
// whether a page is.
func (l *listing) page(label string, usable func(*page) bool) *page {
	if l == nil {
		return nil
	}
	if i, ok := slices.BinarySearchFunc(l.pages, label, func(p *page, label string) int {
		switch {
		case p.covers(label):
			return 0
		case label < p.start:
			return 1
		}
		return -1
	}); ok && usable(l.pages[i]) {
		return l.pages[i]
	}
	for _, p := range l.ranges {
		if p.covers(label) && usable(p) {
			return p
		}
	}
	return nil
}

// whole reports that the pages are the whole directory.
func (l *listing) whole() bool { return len(l.pages) > 0 && l.pages[len(l.pages)-1].last }

// next is the label with which the page after the last one begins.
func (l *listing) next() string {
	if len(l.pages) == 0 {
		return ""
	}
	return l.pages[len(l.pages)-1].following()
}

// following is the label with which the page after this one begins.
func (p *page) following() string {
	if !p.seen {
		return p.start
	}
	return after(p.end)
}

// entries counts the records of all pages.
func (l *listing) entries() int {
	n := 0
	for _, p := range l.pages {
		n += len(p.records)
	}
	return n
}

// cost is the memory that the listing takes, in bytes.
func (l *listing) cost() int64 {
	n := int64(listingBytes + len(l.dir) + len(l.token))
	for _, p := range l.pages {
		n += p.cost()
	}
	for _, p := range l.ranges {
		n += p.cost()
	}
	return n
}

const listingBytes = 256 // of a listing without its pages

// with adds a page to what is known. bound is the most entries to keep.
func (l *listing) with(p *page, token string, bound int) *listing {
	grown := &listing{dir: p.dir, probes: &probes{}, large: !p.last}
	if l != nil {
		grown.probes = l.probes
		grown.large = grown.large || p.start != ""
	}
	switch {
	case p.start == "":
		grown.pages, grown.token = []*page{p}, token
		return grown
	case l == nil:
		grown.ranges = []*page{p}
		return grown
	case p.start == l.next() && !l.whole():
		if l.entries()+len(p.records) > bound {
			// Too many to keep them all: the first page stays, as it does where
			// nobody read further.
			grown.pages, grown.token = l.pages[:1], ""
			return grown
		}
		grown.pages, grown.token, grown.ranges = append(slices.Clip(l.pages), p), token, l.ranges
		return grown
	}
	grown.pages, grown.token = l.pages, l.token
	grown.ranges = append([]*page{p}, l.ranges[:min(len(l.ranges), maxRanges-1)]...)
	return grown
}

// answered is everything that one request told, or what the tree kept of it.
type answered struct {
	list  *listing
	head  *headed
	probe *probed
}

// headed is the answer to a HEAD: an object, or that there is none.
type headed struct {
	mark
	info objstore.Info // Key is set where there is none, too
	gone bool
	// settled says that listings tell of every change of the object since: see settledAt.
	settled bool
}

// probed is the answer to the question whether anything is in a directory.
type probed struct {
	mark
	dir    string
	exists bool
	inside bool           // the directory itself was looked into: marker is known
	marker *objstore.Info // as the listing told it; nil when there is none
}

// settledAt reports that an object was old when a HEAD of it was sent: a change
// after that would have got a later Last-Modified, which has a resolution of one
// second.
//
// Both times are the store's where it tells what time it is; an answer tells
// when it was made, which may be as long after the request was sent as that took.
// What is left for is then only rounding. Where it does not tell, clocks may differ.
func settledAt(sent, answered time.Time, info *objstore.Info) bool {
	if info.ModTime.IsZero() {
		return false
	}
	if info.Told.IsZero() {
		return sent.Sub(info.ModTime) >= settleTime
	}
	return info.Told.Sub(info.ModTime)-answered.Sub(sent) >= settleTimeTold
}

const (
	settleTime     = 5 * time.Second
	settleTimeTold = 2 * time.Second
)

// describes reports that what a HEAD told is still true of an object that a
// listing shows. A replaced object has another ETag, but one that was copied
// onto itself with other metadata keeps it: Last-Modified tells that, where the
// store does not keep it as well (tree.keepsTime).
func (h *headed) describes(p *page, i int) bool {
	return h.settled && h.info.ETag == p.etag(i) &&
		h.info.ModTime.Truncate(time.Second).Equal(p.modTime(i).Truncate(time.Second))
}
