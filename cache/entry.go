package cache

import (
	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Entry is one name in a directory.
type Entry struct {
	Name string
	Dir  bool
	// Info is what is known of the object. Info.Key is always set, and ends in
	// "/" for a directory, of which the rest is known only if Marker is set.
	// Info.Full tells whether the metadata is known; [Cache.Stat] asks for it.
	// The maps in it are shared: do not change them.
	Info objstore.Info
	// Marker says that the directory has a marker object. It is false also
	// where that is not known: [Cache.Stat] of Info.Key tells.
	Marker bool
}

// dirEntryLocked is the entry of a directory that exists.
func (t *tree) dirEntryLocked(dir, name string, got answered) Entry {
	key := keypath.JoinDir(dir, name)
	e := Entry{Name: key[len(dir) : len(key)-1], Dir: true, Info: objstore.Info{Key: key}}
	if m := t.factLocked(key, "", got); m.verdict == present {
		e.Marker = true
		e.Info = t.infoLocked(key, "", m)
	}
	return e
}

func (t *tree) fileEntryLocked(dir, name string, f fact) Entry {
	info := t.infoLocked(dir, name, f)
	return Entry{Name: info.Key[len(dir):], Info: info}
}

// infoLocked is what is known of an object that is there. Metadata that a HEAD
// told is added to what a listing tells, if it still describes the object.
func (t *tree) infoLocked(dir, label string, f fact) objstore.Info {
	if f.info != nil {
		return *f.info
	}
	if f.page == nil {
		return objstore.Info{Key: dir + label}
	}
	info := f.page.info(f.place)
	if known := t.describedLocked(dir, label, f, info.ETag); known != nil {
		known := *known
		known.ModTime = info.ModTime // of the store, where this mount stored it
		return known
	}
	return info
}

// describedLocked is everything about the object of that ETag which a page
// shows, or nil. It was learned before the page was asked for, or the page would
// not be the fact.
func (t *tree) describedLocked(dir, label string, f fact, etag string) *objstore.Info {
	c := t.log.standing(dir, label)
	if c != nil && c.deed == stored && c.info != nil && c.info.Full && c.info.ETag == etag && t.young(c.at, t.attrTTL) {
		return c.info
	}
	h := t.headedLocked(dir, label)
	if h == nil || h.gone || !h.info.Full || h.info.ETag != etag || c != nil && h.stamp < c.stamp {
		return nil
	}
	if h.stamp > t.log.void(dir) && t.young(h.sent, t.attrTTL) || !t.keepsTime && h.describes(f.page, f.place) {
		return &h.info
	}
	return nil
}
