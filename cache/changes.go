package cache

import (
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// deed is what this mount did to a name.
type deed uint8

const (
	stored  deed = iota // there is something now
	removed             // there is nothing now
	doubted             // what was known before counts no more
)

// everything is the label under which a change is about the whole directory. No
// entry is called so.
const everything = "/"

// change is the last thing that this mount did to one label of a directory. It
// wins over every answer that was asked for before it.
type change struct {
	stamp uint64
	at    time.Time
	deed  deed
	info  *objstore.Info // of what was stored; nil where only its existence follows
}

const changeBytes = 256 // of a change without its label and info, with its place in the map and the queue

func (c *change) cost(label string) int64 {
	n := int64(changeBytes + len(label))
	if c.info != nil {
		n += infoCost(c.info)
	}
	return n
}

// changes is the log of what this mount did, as far back as any answer may
// reach that is still in use or on its way. It is guarded by tree.mu.
type changes struct {
	max    int64         // bytes
	settle time.Duration // after which a change is in all answers that are in use

	dirs map[string]map[string]*change // by directory and label
	// queue has each change once, roughly by age. A change that was replaced is
	// still where the old one stood, and moves when it comes to the front.
	queue []place
	head  int
	size  int64
	asked map[uint64]struct{} // stamps of the requests on their way
	// floor is the stamp of the newest change that was forgotten. An answer that
	// was asked for before it may miss that change, so it counts no more.
	floor uint64
}

type place struct {
	dir, label string
	stamp      uint64
}

func newChanges(max int64, settle time.Duration) *changes {
	return &changes{max: max, settle: settle, dirs: map[string]map[string]*change{}, asked: map[uint64]struct{}{}}
}

func (l *changes) get(dir, label string) *change { return l.dirs[dir][label] }

// standing is get without what was done before the whole directory was put in doubt.
func (l *changes) standing(dir, label string) *change {
	c, all := l.get(dir, label), l.get(dir, everything)
	if c != nil && all != nil && c.stamp < all.stamp {
		return nil
	}
	return c
}

// in returns the changes of a directory by label. It must not be changed.
func (l *changes) in(dir string) map[string]*change { return l.dirs[dir] }

// record takes in a change, which must be the newest so far.
func (l *changes) record(dir, label string, c change) {
	in := l.dirs[dir]
	if in == nil {
		in = map[string]*change{}
		l.dirs[dir] = in
	}
	old := in[label]
	in[label] = &c
	l.size += c.cost(label)
	if old != nil {
		l.size -= old.cost(label)
	} else {
		l.queue = append(l.queue, place{dir, label, c.stamp})
	}
	l.forget(c.at)
}

// forget drops the changes that are in every answer that may still be used, and
// the oldest of the others while there are too many.
func (l *changes) forget(now time.Time) {
	for l.head < len(l.queue) {
		at := l.queue[l.head]
		c := l.get(at.dir, at.label)
		switch {
		case c.stamp != at.stamp: // was replaced: it has its turn later
			l.queue = append(l.queue, place{at.dir, at.label, c.stamp})
		case l.size > l.max, now.Sub(c.at) >= l.settle && !l.awaited(c.stamp):
			l.drop(at, c)
		default:
			return
		}
		l.queue[l.head] = place{}
		if l.head++; l.head > 1024 && l.head > len(l.queue)/2 {
			l.queue = append([]place(nil), l.queue[l.head:]...)
			l.head = 0
		}
	}
}

func (l *changes) drop(at place, c *change) {
	l.floor = max(l.floor, c.stamp)
	l.size -= c.cost(at.label)
	in := l.dirs[at.dir]
	delete(in, at.label)
	if len(in) == 0 {
		delete(l.dirs, at.dir)
	}
}

// awaited reports that a request is on its way that may miss a change.
func (l *changes) awaited(stamp uint64) bool {
	for asked := range l.asked {
		if asked < stamp {
			return true
		}
	}
	return false
}

// void is the stamp up to which what is known of a directory counts no more.
func (l *changes) void(dir string) uint64 {
	if c := l.get(dir, everything); c != nil {
		return max(l.floor, c.stamp)
	}
	return l.floor
}
