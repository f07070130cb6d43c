package cache

// leaving are the objects that this mount is about to delete, by directory and
// label. For this mount they are gone, whatever a listing shows: it may be right,
// and the request to delete them still on its way. Guarded by tree.mu.
//
// It is bounded by the caller, who has as many deletions under way.
type leaving map[string]map[string]struct{}

func (l leaving) has(dir, label string) bool {
	_, yes := l[dir][label]
	return yes
}

func (l leaving) add(dir, label string) {
	in := l[dir]
	if in == nil {
		in = map[string]struct{}{}
		l[dir] = in
	}
	in[label] = struct{}{}
}

func (l leaving) remove(dir, label string) {
	in := l[dir]
	delete(in, label)
	if len(in) == 0 {
		delete(l, dir)
	}
}

// Leave tells that this mount is going to delete a file's object: from now on it
// is not there. Left says that it was deleted, Stay that it was not.
func (c *Cache) Leave(key string) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	t.leaving.add(dir, label)
	t.removedLocked(key)
}

// Left tells that an object is deleted which had been told to Leave.
func (c *Cache) Left(key string) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	t.leaving.remove(dir, label)
	t.removedLocked(key)
}

// Stay tells that an object which was to be deleted is there for longer.
func (c *Cache) Stay(key string) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	t.leaving.remove(dir, label)
	t.ownLocked(dir, label, doubted, nil)
	t.doubtLocked(key)
}
