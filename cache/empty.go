package cache

import (
	"context"
	"fmt"
)

// Empty tells whether there is nothing in a directory besides its marker, and
// whether it has one. What no path shows counts: a directory that holds it stays
// when its marker goes. It costs a LIST unless the directory is known.
func (c *Cache) Empty(ctx context.Context, dir string) (empty, marker bool, err error) {
	defer c.tree.unpin(c.tree.pin())
	var l listed
	var own verdict
	for from := (listFrom{dir: dir}); ; from = l.following() {
		inside, m := c.tree.inside(dir, l)
		if m != unknown {
			own = m
		}
		if inside != unknown && own != unknown {
			return inside == absent, own == present, nil
		}
		if l.page != nil && l.page.last { // doubts came meanwhile
			from = listFrom{dir: dir}
		}
		if l, err = c.askPage(ctx, from); err != nil {
			return false, false, fmt.Errorf("look whether %q is empty: %w", dir, err)
		}
	}
}

// following is where the page after this one begins.
func (l listed) following() listFrom {
	return listFrom{dir: l.page.dir, start: l.page.following(), token: l.token}
}

// inside tells whether anything is in a directory, and whether it has a marker.
// l is the page that was asked for last, all before it having shown nothing.
func (t *tree) inside(dir string, l listed) (inside, marker verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	marker = t.factLocked(dir, "", l.answer()).verdict
	if inside = t.insideLocked(dir, l.answer()); inside != unknown || l.page == nil || l.page.stamp <= t.log.void(dir) {
		return inside, marker
	}
	if inside, _ = t.pageInsideLocked(l.page, 0, len(l.page.records)); inside == absent && !l.page.last {
		inside = unknown
	}
	return inside, marker
}
