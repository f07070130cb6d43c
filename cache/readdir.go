package cache

import (
	"context"
	"io"
	"time"
)

// DirReader gives out the entries of a directory, each name once, in the order
// of keys but for files that share the beginning of their names with others. It
// reads pages as they are needed and one ahead, and holds three at most. It is
// for one goroutine at a time, and needs no closing.
//
// An entry is given out as it is known at that moment: what this mount removed
// meanwhile does not come up, and what it added does if its page had not begun.
type DirReader struct {
	c   *Cache
	dir string

	next     string // where cur begins, or is to begin
	passed   string // the last label of cur that was looked at, "" if none was
	cur      *page  // covers next; nil when it must be loaded
	expires  time.Time
	list     *listing // cur, and the pages of held files, for the tree to judge by
	at       int      // the first record of cur that was not looked at
	added    []string // labels in the range of cur that this mount added, ascending
	token    string   // of the page that begins with tokenFor
	tokenFor string
	ahead    *ahead // the page after cur, under way
	held     []held // files of which the next page tells whether they are shown
	early    map[string]struct{}
	shadowed []string // keys to warn of
	drained  bool
}

// held is a file of which a directory of the same name may stand on a page to
// come: between "a" and "a/" there may be any number of keys, like "a.txt".
// There are never more of them than a key has bytes.
type held struct {
	label string
	page  *page
}

// ahead is a page that is asked for before it is needed.
type ahead struct {
	start string
	ready chan listed // gives one, or is closed
}

// pageLife is for how long a page is read from at least, where DirTTL is shorter.
const pageLife = time.Second

// ReadDir begins to read a directory, which is "" or ends in "/". A directory
// that does not exist is empty.
func (c *Cache) ReadDir(dir string) *DirReader {
	return &DirReader{c: c, dir: dir}
}

// Next returns the next entry, or io.EOF after the last one. After any other
// error, one of the store or of ctx, it may be called again and goes on where
// it was.
func (d *DirReader) Next(ctx context.Context) (Entry, error) {
	e, n, err := d.advance(ctx)
	for _, key := range d.shadowed {
		d.c.warnShadow(key)
	}
	d.shadowed = nil
	switch {
	case err != nil:
		return Entry{}, err
	case n.nothing && e.Name == "":
		return Entry{}, io.EOF
	}
	return e, nil
}

// Upcoming returns names of files that Next is to give, at most n of them that come
// behind the name after in the order of keys. It asks nobody for anything: it tells
// of the page that is being read.
func (d *DirReader) Upcoming(after string, n int) (names []string, last bool) {
	if d.cur == nil {
		return nil, d.drained
	}
	at := d.at
	if after != "" {
		at = max(at, d.cur.from(after+"\x00"))
	}
	for ; at < len(d.cur.records) && len(names) < n; at++ {
		if label := d.cur.label(at); label != "" && !isDirLabel(label) {
			names = append(names, label)
		}
	}
	return names, d.cur.last && at == len(d.cur.records)
}

func (d *DirReader) advance(ctx context.Context) (e Entry, n need, err error) {
	e, n = d.step(answered{})
	if n.nothing {
		return e, n, nil
	}
	defer d.c.tree.unpin(d.c.tree.pin())
	for !n.nothing {
		var got answered
		if n.list {
			err = d.load(ctx)
		} else {
			got, err = d.c.learn(ctx, d.dir, d.pending(), n)
		}
		if err != nil {
			return Entry{}, n, err
		}
		e, n = d.step(got)
	}
	return e, n, nil
}

// load gets the page that covers next: from what is kept, from what was asked
// for ahead, or from the store.
func (d *DirReader) load(ctx context.Context) error {
	if d.loadKept() {
		d.lookAhead(ctx)
		return nil
	}
	if a := d.ahead; a != nil && a.start == d.next {
		select {
		case l, ok := <-a.ready:
			d.ahead = nil
			if expires := d.expiry(l.page); ok && d.c.cfg.Now().Before(expires) {
				d.install(l, expires)
				d.lookAhead(ctx)
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	from := listFrom{dir: d.dir, start: d.next}
	if d.tokenFor == d.next {
		from.token = d.token
	}
	l, err := d.c.askPage(ctx, from)
	if err != nil {
		return err
	}
	d.install(l, d.c.cfg.Now().Add(d.life()))
	d.lookAhead(ctx)
	return nil
}

// life is for how long a page may be read from.
func (d *DirReader) life() time.Duration { return max(d.c.cfg.DirTTL, pageLife) }

func (d *DirReader) expiry(p *page) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.sent.Add(d.life())
}

// loadKept takes the page that covers next from what the tree keeps, if it may
// still be used.
func (d *DirReader) loadKept() bool {
	list, p := d.c.tree.keptPage(d.dir, d.next)
	if p == nil {
		return false
	}
	l := listed{page: p, list: list}
	if p.following() == list.next() {
		l.token = list.token
	}
	d.install(l, d.expiry(p))
	return true
}

// keptPage is the page that covers a label, with the listing that has it, or
// nil if none may be used.
func (t *tree) keptPage(dir, label string) (*listing, *page) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.listingLocked(dir)
	void := t.log.void(dir)
	return list, list.page(label, func(p *page) bool { return p.stamp > void && t.young(p.sent, t.dirTTL) })
}

// lookAhead asks for the page after the current one, unless it is kept.
func (d *DirReader) lookAhead(ctx context.Context) {
	from := listFrom{dir: d.dir, start: d.tokenFor, token: d.token}
	if _, p := d.c.tree.keptPage(d.dir, from.start); d.cur.last || p != nil {
		return
	}
	if err := d.c.life.enter(); err != nil {
		return // Next tells when the page is needed
	}
	a := &ahead{start: from.start, ready: make(chan listed, 1)}
	d.ahead = a
	go func() {
		defer d.c.life.leave()
		defer close(a.ready)
		work, end := d.c.life.request(ctx)
		defer end()
		// What fails is asked for again when it is needed.
		if l, err := d.c.askPage(work, from); err == nil {
			a.ready <- l
		}
	}()
}

// install makes a page the current one.
func (d *DirReader) install(l listed, expires time.Time) {
	d.cur, d.expires = l.page, expires
	d.token, d.tokenFor = l.token, l.page.following()
	d.at = l.page.from(d.next)
	d.list = &listing{dir: d.dir, ranges: []*page{l.page}}
	for _, h := range d.held {
		if last := len(d.list.ranges) - 1; d.list.ranges[last] != h.page {
			d.list.ranges = append(d.list.ranges, h.page)
		}
	}
	d.added = d.c.tree.added(l.page, d.next)
}
