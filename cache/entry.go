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
	if h := t.describedLocked(dir, label, f); h != nil {
		return h.info
	}
	return f.page.info(f.place)
}

// describedLocked is the answer to a HEAD that describes the object that a page
// shows, or nil. It was asked for before the page, or it would be the fact.
func (t *tree) describedLocked(dir, label string, f fact) *headed {
	h := t.headedLocked(dir, label)
	if h == nil || h.gone || !h.info.Full || h.info.ETag != f.page.etag(f.place) {
		return nil
	}
	if c := t.log.get(dir, label); c != nil && h.stamp < c.stamp {
		return nil
	}
	if h.stamp > t.log.void(dir) && t.young(h.sent, t.attrTTL) || h.describes(f.page, f.place) {
		return h
	}
	return nil
}
