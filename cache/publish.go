package cache

import (
	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// The methods below tell the cache what this mount has changed in the store.
// They are called when the store has confirmed the change, cost no request and
// never wait for one. From their return on, no answer that was asked for before
// hides or resurrects what they tell.

// Publish tells that this mount stored the object info.Key, or its properties.
// A key that ends in "/" is a directory's marker; unlike PublishDir, this says
// nothing about what else is in it. The directories above exist from now on.
// Info and its maps are kept: the caller does not change them any more.
func (c *Cache) Publish(info objstore.Info) {
	if info.Key == "" {
		return
	}
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(info.Key)
	t.ownLocked(dir, label, stored, &info)
	t.raiseLocked(info.Key)
}

// raiseLocked records that the directories exist without which the key could
// not, among them the key itself if it is a directory's.
func (t *tree) raiseLocked(key string) {
	if keypath.IsDir(key) && key != "" {
		t.ownDirLocked(key, stored)
	}
	for dir := range keypath.Ancestors(key) {
		t.ownDirLocked(dir, stored)
	}
}

// doubtLocked records that the directories above a key that is gone may be gone
// with it, among them the key itself if it is a directory's: a directory
// without a marker exists only by what is in it.
func (t *tree) doubtLocked(key string) {
	if keypath.IsDir(key) && key != "" {
		t.ownDirLocked(key, doubted)
	}
	for dir := range keypath.Ancestors(key) {
		t.ownDirLocked(dir, doubted)
	}
}

func (t *tree) ownDirLocked(dir string, d deed) {
	parent, label := dirLabel(dir)
	t.ownLocked(parent, label, d, nil)
}

// PublishDir tells that this mount made the directory by storing its marker, and
// that there was nothing in it: it is known, and empty, for DirTTL from now on.
func (c *Cache) PublishDir(dir string) {
	if dir == "" {
		return
	}
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emptyLocked(dir)
	t.ownLocked(dir, "", stored, &objstore.Info{Key: dir})
	t.raiseLocked(dir)
}

// emptyLocked makes the directory known, and nothing in it. What this mount
// stored there itself meanwhile stays: it is recorded as done later.
func (t *tree) emptyLocked(dir string) {
	t.clock++
	p := newPage(mark{t.clock, t.now()}, dir, "", objstore.ListPage{}, nil)
	t.shelf.put(kindListing, dir, "", (*listing)(nil).with(p, "", t.entries))
	for label, c := range t.log.in(dir) {
		if c.deed == stored && label != "" {
			t.clock++
			c.stamp = t.clock
		}
	}
}

// Remove tells that this mount deleted the object. If it was the last one in a
// directory without a marker, that directory is gone with it.
func (c *Cache) Remove(key string) {
	if key == "" {
		return
	}
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removedLocked(key)
}

func (t *tree) removedLocked(key string) {
	dir, label := labelOf(key)
	t.ownLocked(dir, label, removed, nil)
	t.doubtLocked(key)
}

// RemoveDir tells that this mount deleted the marker of a directory, or found
// that it has none, and that there was nothing else in it. What this mount has
// stored in it meanwhile keeps it.
func (c *Cache) RemoveDir(dir string) {
	if dir == "" {
		return
	}
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emptyLocked(dir)
	t.ownLocked(dir, "", removed, nil)
	t.doubtLocked(dir)
}

// Invalidate forgets what is known of one object: the next who asks gets what
// the store says then. It is for objects that turned out to be other than was
// believed.
func (c *Cache) Invalidate(key string) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	t.ownLocked(dir, label, doubted, nil)
	if keypath.IsDir(key) && key != "" {
		t.ownDirLocked(key, doubted)
	}
}

// InvalidateDir forgets what is known of all entries of a directory, but not of
// those below them.
func (c *Cache) InvalidateDir(dir string) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ownLocked(dir, everything, doubted, nil)
}
