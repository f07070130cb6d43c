package cache

import (
	"slices"
	"strings"
)

// step looks at what is known and returns the next entry, or what is needed to
// go on: need.list is the page that covers next, and anything else is about
// the pending name. got is what was asked for about that.
func (d *DirReader) step(got answered) (Entry, need) {
	t := d.c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	for !d.drained {
		if d.cur == nil || d.cur.stamp <= t.log.void(d.dir) || !t.now().Before(d.expires) {
			if d.cur != nil && d.passed != "" {
				d.next = after(d.passed)
			}
			d.cur, d.passed = nil, ""
			return Entry{}, need{list: true}
		}
		label, ok := d.peek()
		switch {
		case !ok && d.cur.last:
			d.drained = true
			continue
		case !ok:
			d.next, d.cur, d.passed = d.cur.following(), nil, ""
			continue
		}
		e, n := d.judgeLocked(label, got)
		if !n.nothing {
			return Entry{}, n
		}
		d.pass(label)
		got = answered{}
		if n.shadow {
			d.shadowed = append(d.shadowed, d.dir+strings.TrimSuffix(label, "/"))
		}
		if e.Name != "" {
			return e, n
		}
	}
	return Entry{}, need{nothing: true}
}

// ripe returns the held file that can be judged now, or "". Each held file
// begins with the name of the one before, so the last one is the first to be.
func (d *DirReader) ripe() string {
	if last := len(d.held) - 1; last >= 0 && d.cur.covers(d.held[last].label+"/") {
		return d.held[last].label
	}
	return ""
}

// peek is the label that is looked at next: a held one, one of the page or one
// that was added.
func (d *DirReader) peek() (label string, ok bool) {
	if label := d.ripe(); label != "" {
		return label, true
	}
	if d.at < len(d.cur.records) {
		label, ok = d.cur.label(d.at), true
	}
	if len(d.added) > 0 && (!ok || d.added[0] < label) {
		return d.added[0], true
	}
	return label, ok
}

// pass goes on behind the label that peek gave.
func (d *DirReader) pass(label string) {
	switch {
	case label != "" && label == d.ripe():
		d.held = d.held[:len(d.held)-1]
		return
	case len(d.added) > 0 && d.added[0] == label:
		d.added = d.added[1:]
	default:
		d.at++
	}
	d.passed = label
}

// pending is the name of the label that is looked at.
func (d *DirReader) pending() string {
	label, _ := d.peek()
	return strings.TrimSuffix(label, "/")
}

// judgeLocked is the entry that a label makes, with no Name if it makes none.
func (d *DirReader) judgeLocked(label string, got answered) (Entry, need) {
	name := strings.TrimSuffix(label, "/")
	if _, shown := d.early[name]; shown || label == "" {
		delete(d.early, name)
		return Entry{}, need{nothing: true}
	}
	if !isDirLabel(label) && !d.cur.covers(label) {
		// It is a held one: nothing but its directory is on this page.
	} else if !isDirLabel(label) && !d.cur.coversDir(label) {
		d.held = append(d.held, held{strings.Clone(label), d.cur})
		return Entry{}, need{nothing: true}
	}
	if e, n, ok := d.plainLocked(label); ok {
		return e, n
	}
	got.list = d.list
	e, n := d.c.tree.lookupLocked(d.dir, name, got)
	switch {
	case !n.nothing:
		n.list, n.around = false, false
		return Entry{}, n
	case isDirLabel(label) && !e.Dir:
		return Entry{}, need{nothing: true} // the file has a label of its own
	case e.Dir && !isDirLabel(label):
		// It is not certain that the directory has a label of its own here: what
		// this mount did in it may be all that is known of it.
		if d.early == nil {
			d.early = map[string]struct{}{}
		}
		d.early[e.Name] = struct{}{}
	}
	return e, n
}

// plainLocked is judgeLocked where this mount has changed nothing in the
// directory: the page tells it all. ok is false elsewhere.
func (d *DirReader) plainLocked(label string) (e Entry, n need, ok bool) {
	t := d.c.tree
	if t.log.in(d.dir) != nil || t.leaving[d.dir] != nil || d.at == len(d.cur.records) || d.cur.label(d.at) != label {
		return Entry{}, n, false
	}
	n.nothing = true
	f := fact{verdict: present, stamp: d.cur.stamp, page: d.cur, place: d.at}
	if isDirLabel(label) {
		return t.dirEntryLocked(d.dir, label[:len(label)-1], answered{}), n, true
	}
	if d.cur.hasDir(d.at) {
		n.shadow = true
		return Entry{}, n, true
	}
	if h := t.headedLocked(d.dir, label); h != nil && h.stamp > f.stamp && t.young(h.sent, t.ttl(h.gone)) {
		if f = h.fact(); h.gone {
			return Entry{}, n, true
		}
	}
	return t.fileEntryLocked(d.dir, label, f), n, true
}

// added is what there may be in the range of a page from a label on that the page
// does not show, ascending: this mount stored it, or forgot what it knew of it.
func (t *tree) added(p *page, from string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var labels []string
	for label, c := range t.log.in(p.dir) {
		if c.deed == removed || label == "" || label == everything || c.stamp < p.stamp || label < from || !p.covers(label) {
			continue
		}
		if _, listed := p.find(label); !listed {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}
