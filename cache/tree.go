package cache

import (
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// tree is what is known of names: answers of the store and this mount's own
// changes, put together. doc.go argues why that is right.
type tree struct {
	attrTTL, dirTTL, negativeTTL time.Duration
	entries                      int // most of one directory that are kept
	now                          func() time.Time
	hide                         func(key string) bool

	mu    sync.Mutex
	clock uint64 // ticks with each change and each request
	log   *changes
	// keepsTime says that listings do not tell of a change of an object's metadata.
	keepsTime bool
	shelf     *shelf
	// leaving is gone as far as this mount is concerned.
	leaving leaving
	// witness is an entry that a directory was known to have when it was last
	// asked whether it has any, by directory. It may be gone.
	witness map[string]string
	// follows is what was worked out of directories for the question that is being
	// judged, nil where none was.
	follows map[string]verdict
}

// newTree shares the memory for names: half of it for the back of the shelf, a
// quarter for its front and a quarter for the log of changes.
func newTree(cfg Config) (*tree, error) {
	front := cfg.NameMemory / 4
	keep := max(cfg.AttrTTL, cfg.DirTTL, cfg.NegativeTTL, keepTime)
	s, err := newShelf(front, cfg.NameMemory/2, keep)
	if err != nil {
		return nil, err
	}
	return &tree{
		attrTTL: cfg.AttrTTL, dirTTL: cfg.DirTTL, negativeTTL: cfg.NegativeTTL,
		// One directory may have half of the front, so that it does not push out
		// all others; 64 bytes are a record with a name of 20 bytes.
		entries: min(cfg.Entries, int(front/2/64)),
		now:     cfg.Now, hide: cfg.Hide,
		log:   newChanges(cfg.NameMemory/4, max(cfg.AttrTTL, cfg.DirTTL, cfg.NegativeTTL, time.Second)),
		shelf: s, leaving: leaving{}, witness: map[string]string{},
	}, nil
}

// keepTime is for how long answers stay in memory beyond their time to live if
// nothing needs the room: metadata that a HEAD told stays of use for as long as
// listings show the same object.
const keepTime = 10 * time.Minute

// ask marks a request that is about to be sent. told must follow.
func (t *tree) ask() mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.log.forget(now)
	t.clock++
	t.log.asked[t.clock] = struct{}{}
	return mark{t.clock, now}
}

// pin keeps the log from forgetting changes until unpin: an answer that is asked
// for in between can then be corrected by all that came after it was asked for.
func (t *tree) pin() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock++
	t.log.asked[t.clock] = struct{}{}
	return t.clock
}

func (t *tree) unpin(stamp uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.log.asked, stamp)
}

// told says that the request has ended, and keeps what it answered.
func (t *tree) told(m mark, a answered) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.log.asked, m.stamp)
	if h := a.head; h != nil {
		dir, label := labelOf(h.info.Key)
		if p, ok := packHead(h); ok {
			t.shelf.put(kindHeaded, dir, label, p)
		} else {
			t.shelf.put(kindHeaded, dir, label, h)
		}
	}
	if p := a.probe; p != nil {
		dir, label := dirLabel(p.dir)
		t.shelf.put(kindProbed, dir, label, p)
	}
}

// toldPage is told for a page of a listing. It returns all that is now known of
// the directory, which may be more than is kept.
func (t *tree) toldPage(p *page, token string) *listing {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.log.asked, p.stamp)
	grown := t.listingLocked(p.dir).with(p, token, t.entries)
	t.shelf.put(kindListing, p.dir, "", grown)
	return grown
}

// labelOf is the directory whose LIST shows the object, and the label under
// which it does: a marker is in the directory that it marks.
func labelOf(key string) (dir, label string) {
	if keypath.IsDir(key) {
		return key, ""
	}
	return keypath.Split(key)
}

// dirLabel is the directory above dir, and the label of dir there.
func dirLabel(dir string) (parent, label string) {
	parent, _ = keypath.Split(dir)
	return parent, dir[len(parent):]
}

func (t *tree) listingLocked(dir string) *listing {
	if v := t.shelf.get(kindListing, dir, ""); v != nil {
		return v.(*listing)
	}
	return nil
}

func (t *tree) headedLocked(dir, label string) *headed {
	switch v := t.shelf.get(kindHeaded, dir, label).(type) {
	case *headed:
		return v
	case *headPack:
		return v.headed()
	}
	return nil
}

// newestHead is what a HEAD told of an object, if that is the newest that is known of
// it, and counts. What a LIST told of a single name has its place but is not as much.
func (t *tree) newestHead(key string) *headed {
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, label := labelOf(key)
	h := t.headedLocked(dir, label)
	if h == nil || !h.gone && !h.info.Full {
		return nil
	}
	if f := t.factLocked(dir, label, answered{}); f.verdict == unknown || f.own || f.stamp != h.stamp {
		return nil
	}
	return h
}

// probedLocked is the probe of the directory dir+label. A marker, whose label
// is "", is told of by the probe of its own directory.
func (t *tree) probedLocked(dir, label string) *probed {
	if label == "" {
		dir, label = dirLabel(dir)
	}
	if v := t.shelf.get(kindProbed, dir, label); v != nil {
		return v.(*probed)
	}
	return nil
}

// young reports that something is not older than its time to live.
func (t *tree) young(since time.Time, ttl time.Duration) bool {
	return t.now().Sub(since) < ttl
}

// hidden reports that no path shows a label.
func (t *tree) hidden(dir, label string) bool { return t.hide != nil && t.hide(dir+label) }

// own records a change of this mount.
func (t *tree) ownLocked(dir, label string, d deed, info *objstore.Info) {
	t.clock++
	t.log.record(dir, label, change{stamp: t.clock, at: t.now(), deed: d, info: info})
}
