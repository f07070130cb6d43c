package cache

// Recall is the file of a name as a listing showed it that may be older than
// Lookup would believe, up to a minute; what this mount did since is known for
// DirTTL only. It asks for nothing. It is for who is about to delete file after
// file: deleting one that is gone does no harm, and listing the directory again
// every second would.
func (c *Cache) Recall(dir, name string) (Entry, bool) {
	t := c.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.listingLocked(dir).page(name, func(p *page) bool { return t.young(p.sent, largeTTL) })
	if p == nil || t.leaving.has(dir, name) || t.hidden(dir, name) {
		return Entry{}, false
	}
	for _, label := range []string{name, everything} {
		if own := t.log.get(dir, label); own != nil && own.stamp > p.stamp {
			return Entry{}, false
		}
	}
	i, shown := p.find(name)
	if !shown || p.hasDir(i) || !p.coversDir(name) {
		return Entry{}, false
	}
	info := p.info(i)
	return Entry{Name: info.Key[len(dir):], Info: info}, true
}
