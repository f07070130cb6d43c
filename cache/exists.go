package cache

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
func (t *tree) insideLocked(dir string, got answered) verdict {
	changes, all := t.log.in(dir), true
	for label, c := range changes {
		if c.deed == removed || label == "" || label == everything {
			continue
		}
		switch t.factLocked(dir, label, got).verdict {
		case present:
			return present
		case unknown:
			all = false
		}
	}
	list := t.listingLocked(dir)
	if got.list != nil && got.list.dir == dir {
		list = got.list
	} else {
		got.list = nil
	}
	if list == nil {
		return unknown
	}
	void := t.log.void(dir)
	for _, p := range list.pages {
		if p.stamp <= void || got.list == nil && !t.young(p.sent, t.dirTTL) {
			all = false
			continue
		}
		switch t.pageInsideLocked(p, changes) {
		case present:
			return present
		case unknown:
			all = false
		}
	}
	if all && list.whole() {
		return absent
	}
	return unknown
}

// pageInsideLocked tells whether a page that counts shows anything besides the
// marker that is still there.
func (t *tree) pageInsideLocked(p *page, changes map[string]*change) verdict {
	if p.skipped {
		return present
	}
	v := absent
	for i := range p.records {
		label := p.label(i)
		if label == "" {
			continue
		}
		if c := changes[label]; c == nil || c.stamp < p.stamp {
			return present
		} else if c.deed == removed {
			continue
		}
		switch t.factLocked(p.dir, label, answered{}).verdict {
		case present:
			return present
		case unknown:
			v = unknown
		}
	}
	return v
}
