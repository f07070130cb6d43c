package cache

import "strings"

// followsLocked is existsLocked where nothing was asked. It is worked out once for
// one question: a directory is come upon in several ways, and so is each one in it.
func (t *tree) followsLocked(dir string) verdict {
	if t.follows == nil {
		t.follows = map[string]verdict{}
		defer func() { t.follows = nil }()
	}
	v, known := t.follows[dir]
	if !known {
		v = t.existsLocked(dir, answered{})
		t.follows[dir] = v
	}
	return v
}

// existsLocked tells from what is known below a directory whether it exists:
// it does if it has a marker, or if anything is in it.
func (t *tree) existsLocked(dir string, got answered) verdict {
	marker := t.factLocked(dir, "", got).verdict
	if marker == present {
		return present
	}
	inside := t.insideLocked(dir, got)
	if inside == unknown || inside == present {
		return inside
	}
	return marker
}

// insideLocked tells whether anything is in a directory besides its marker.
//
// It is asked after each deletion in a directory that has none, so it must not
// look at all that is gone already: it begins with the entry that it found last
// time, and goes on from there.
func (t *tree) insideLocked(dir string, got answered) verdict {
	list := t.listingLocked(dir)
	if got.list != nil && got.list.dir == dir {
		list = got.list
	} else {
		got.list = nil
	}
	last := t.witness[dir]
	if last != "" && t.factLocked(dir, last, got).verdict == present {
		return present
	}
	v, label := t.listedLocked(list, last, got.list != nil)
	if v != present {
		var own verdict
		if own, label = t.storedLocked(dir, got); own != absent {
			v = own
		}
	}
	if v == present && label != "" {
		if len(t.witness) >= maxWitnesses {
			clear(t.witness)
		}
		t.witness[dir] = strings.Clone(label) // not the page that it is a piece of
	}
	return v
}

const maxWitnesses = 4096

// storedLocked tells whether this mount has stored anything in a directory that is
// still there, and an entry if so. It is unknown where something is in doubt.
func (t *tree) storedLocked(dir string, got answered) (verdict, string) {
	v := absent
	for label, c := range t.log.in(dir) {
		if c.deed == removed || label == "" || label == everything {
			continue
		}
		switch t.factLocked(dir, label, got).verdict {
		case present:
			return present, label
		case unknown:
			v = unknown
		}
	}
	return v, ""
}

// listedLocked tells whether a listing, which may be nil, shows anything besides
// the marker that is still there, and an entry if so. It begins at a label. asked
// says that the listing counts whatever its age.
func (t *tree) listedLocked(list *listing, begin string, asked bool) (verdict, string) {
	if list == nil {
		return unknown, ""
	}
	void := t.log.void(list.dir)
	v := absent
	if !list.whole() {
		v = unknown
	}
	for _, behind := range []bool{true, false} {
		for _, p := range list.pages {
			if p.stamp <= void || !asked && !t.young(p.sent, t.dirTTL) {
				v = unknown
				continue
			}
			from, to := 0, p.from(begin)
			if behind {
				from, to = to, len(p.records)
			}
			switch found, label := t.pageInsideLocked(p, from, to); found {
			case present:
				return present, label
			case unknown:
				v = unknown
			}
		}
	}
	return v, ""
}

// pageInsideLocked tells whether a page that counts shows anything besides the
// marker that is still there, among some of its records, and an entry if so.
func (t *tree) pageInsideLocked(p *page, from, to int) (verdict, string) {
	if p.skipped {
		return present, ""
	}
	changes := t.log.in(p.dir)
	v := absent
	for i := from; i < to; i++ {
		label := p.label(i)
		if label == "" {
			continue
		}
		if t.leaving.has(p.dir, label) {
			continue
		}
		if c := changes[label]; c == nil || c.stamp < p.stamp {
			return present, label
		} else if c.deed == removed {
			continue
		}
		switch t.factLocked(p.dir, label, answered{}).verdict {
		case present:
			return present, label
		case unknown:
			v = unknown
		}
	}
	return v, ""
}
