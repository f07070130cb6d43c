package cache

import (
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// verdict says whether there is something under a label.
type verdict uint8

const (
	unknown verdict = iota
	absent
	present
)

// fact is what is known of one label of a directory, from the newest evidence
// that may be used.
type fact struct {
	verdict
	stamp uint64
	own   bool           // this mount did it
	info  *objstore.Info // what is known of it, or nil
	page  *page          // where else it is told
	place int            // in the records of page
}

// evidence is what a question about one label is judged by: what the tree
// keeps, and the answer that has just come. The latter counts whatever its
// age: whoever asked for it gets no newer one.
type evidence struct {
	void   uint64 // evidence that was asked for up to here does not count
	change *change
	list   *listing
	got    answered
}

func (t *tree) evidenceLocked(dir, label string, got answered) evidence {
	e := evidence{void: t.log.void(dir), change: t.log.standing(dir, label), list: t.listingLocked(dir), got: got}
	if got.list != nil && got.list.dir != dir {
		e.got.list = nil
	}
	return e
}

// factLocked judges one label.
func (t *tree) factLocked(dir, label string, got answered) fact {
	if t.leaving.has(dir, label) {
		return fact{verdict: absent, stamp: t.clock, own: true}
	}
	e := t.evidenceLocked(dir, label, got)
	f, covered := t.newestLocked(dir, label, &e)
	if f.verdict == unknown {
		f = t.ownFactLocked(label, e.change, covered)
	}
	if f.verdict == unknown && isDirLabel(label) {
		f = fact{verdict: t.followsLocked(dir + label)}
	}
	return f
}

// newestLocked finds the newest answer that knows the label and is newer than
// this mount's last change of it. covered says that there is an older one that
// could be used otherwise, the one that was asked for or a page of a listing:
// the change is then a correction of it and counts for as long as it.
func (t *tree) newestLocked(dir, label string, e *evidence) (f fact, covered bool) {
	// weigh reports whether the answer counts but for the change, and was asked
	// for before it: emptyLocked puts changes behind answers that are younger.
	weigh := func(m mark, g fact) bool {
		switch {
		case m.stamp <= e.void:
			return false
		case e.change != nil && m.stamp < e.change.stamp:
			return !e.change.at.Before(m.sent)
		case f.verdict == unknown || m.stamp > f.stamp:
			f = g
			f.stamp = m.stamp
		}
		return false
	}
	if p := e.list.page(label, func(p *page) bool { return t.young(p.sent, t.dirTTL) }); p != nil {
		covered = weigh(p.mark, p.fact(label))
	}
	if p := e.got.list.page(label, func(*page) bool { return true }); p != nil {
		covered = weigh(p.mark, p.fact(label)) || covered
	}
	if !isDirLabel(label) {
		if h := t.headedLocked(dir, label); h != nil && t.young(h.sent, t.ttl(h.gone)) {
			weigh(h.mark, h.fact())
		}
		if h := e.got.head; h != nil && joins(h.info.Key, dir, label) {
			covered = weigh(h.mark, h.fact()) || covered
		}
	}
	if label == "" || isDirLabel(label) { // of files no probe tells
		if p := t.probedLocked(dir, label); p.tells(label) && t.young(p.sent, t.probedTTL(p, label)) {
			weigh(p.mark, p.fact(label))
		}
		if p := e.got.probe; p.tells(label) && joins(p.dir, dir, label) {
			covered = weigh(p.mark, p.fact(label)) || covered
		}
	}
	return f, covered
}

// ttl is how long it counts that an object is there, or is not.
func (t *tree) ttl(gone bool) time.Duration {
	if gone {
		return t.negativeTTL
	}
	return t.attrTTL
}

func (t *tree) probedTTL(p *probed, label string) time.Duration {
	if label == "" && p.marker == nil || !p.exists {
		return t.negativeTTL
	}
	return t.dirTTL
}

// fact is what the page tells of a label that it covers.
func (p *page) fact(label string) fact {
	if i, ok := p.find(label); ok {
		return fact{verdict: present, page: p, place: i}
	}
	return fact{verdict: absent}
}

func (h *headed) fact() fact {
	if h.gone {
		return fact{verdict: absent}
	}
	return fact{verdict: present, info: &h.info}
}

// tells reports that there is an answer and that it knows of the directory, or
// of its marker where the label is "".
func (p *probed) tells(label string) bool { return p != nil && (label != "" || p.inside) }

func (p *probed) fact(label string) fact {
	switch {
	case label == "" && p.marker != nil:
		return fact{verdict: present, info: p.marker}
	case label == "" || !p.exists:
		return fact{verdict: absent}
	}
	return fact{verdict: present}
}

// ownFactLocked is what this mount's own change tells.
func (t *tree) ownFactLocked(label string, c *change, covered bool) fact {
	if c == nil || c.deed == doubted {
		return fact{}
	}
	f := fact{verdict: present, stamp: c.stamp, own: true, info: c.info}
	ttl := t.attrTTL
	switch {
	case c.deed == removed:
		f = fact{verdict: absent, stamp: c.stamp, own: true}
		ttl = t.negativeTTL
	case isDirLabel(label):
		ttl = t.dirTTL
	}
	if !covered && !t.young(c.at, ttl) {
		return fact{}
	}
	return f
}
