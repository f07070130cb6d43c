package cache

import (
	"context"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Lookup finds a name in a directory, which is "" or ends in "/". A name that is
// not there, that is hidden or that no path can hold is objstore.ErrNotFound.
// Other errors are those of the store, or of ctx, which ends only the wait.
//
// It costs nothing while the directory is known; then a LIST of its first page;
// and in a directory that is larger than a page, a HEAD and a LIST of one key,
// at the same time, for each name that was not listed.
func (c *Cache) Lookup(ctx context.Context, dir, name string) (Entry, error) {
	if keypath.ValidName(name) != nil {
		return Entry{}, notFound("look up", keypath.Join(dir, name))
	}
	e, n := c.tree.lookup(dir, name, answered{})
	if !n.nothing {
		var err error
		if e, n, err = c.lookupSlow(ctx, dir, name, n); err != nil {
			return Entry{}, err
		}
	}
	if e.Name == "" {
		return Entry{}, notFound("look up", keypath.Join(dir, name))
	}
	if n.shadow {
		c.warnShadow(keypath.Join(dir, name))
	}
	return e, nil
}

// lookupSlow asks until the name is known.
func (c *Cache) lookupSlow(ctx context.Context, dir, name string, n need) (e Entry, _ need, err error) {
	defer c.tree.unpin(c.tree.pin())
	for !n.nothing {
		var got answered
		if got, err = c.learn(ctx, dir, name, n); err != nil {
			return Entry{}, n, err
		}
		e, n = c.tree.lookup(dir, name, got)
	}
	return e, n, nil
}

func notFound(verb, key string) error {
	return fmt.Errorf("%s %q: %w", verb, key, objstore.ErrNotFound)
}

// need is what must be asked of the store to know a name: a page, or else the
// name alone.
type need struct {
	nothing bool // it is known
	shadow  bool // it is a directory that hides a file
	list    bool // the directory's first page
	around  bool // a page of the directory from the name on
	head    bool // whether there is a file
	probe   bool // whether there is a directory
}

// lookup is the entry of a name as far as it is known, with no Name if there is
// none. got is what was asked for on behalf of this very caller.
func (t *tree) lookup(dir, name string, got answered) (Entry, need) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lookupLocked(dir, name, got)
}

func (t *tree) lookupLocked(dir, name string, got answered) (Entry, need) {
	var f, d fact
	f.verdict, d.verdict = absent, absent
	if label := name + "/"; !t.hidden(dir, label) {
		d = t.factLocked(dir, label, got)
	}
	if !t.hidden(dir, name) {
		f = t.factLocked(dir, name, got)
	}
	switch {
	case d.verdict == present:
		return t.dirEntryLocked(dir, name, got), need{nothing: true, shadow: f.verdict == present}
	case f.verdict == present && (d.verdict == absent || f.own):
		// What this mount stored is a file at once, even where nobody has looked
		// yet whether others have put something below it.
		return t.fileEntryLocked(dir, name, f), need{nothing: true}
	case f.verdict == absent && d.verdict == absent:
		return Entry{}, need{nothing: true}
	}
	n := t.wayLocked(dir, name)
	n.head = f.verdict == unknown
	n.probe = d.verdict == unknown
	return Entry{}, n
}

// wayLocked decides whether to list the directory to learn about a name.
func (t *tree) wayLocked(dir, name string) need {
	l := t.listingLocked(dir)
	if l == nil || len(l.pages) == 0 {
		return need{list: true}
	}
	first := l.pages[0]
	known := first.stamp > t.log.void(dir) && t.young(first.sent, t.dirTTL)
	if !known && !(l.large && t.young(first.sent, largeTTL)) {
		return need{list: true}
	}
	if l.large && l.page(name, func(p *page) bool { return t.young(p.sent, t.dirTTL) }) == nil && l.probes.dense(t.now()) {
		return need{around: true}
	}
	return need{}
}
