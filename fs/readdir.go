package fs

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
)

var (
	_ gofuse.FileReaddirenter = (*dirHandle)(nil)
	_ gofuse.FileLookuper     = (*dirHandle)(nil)
	_ gofuse.FileSeekdirer    = (*dirHandle)(nil)
	_ gofuse.FileFsyncdirer   = (*dirHandle)(nil)
)

// dirHandle reads a directory. go-fuse never calls two of its methods at once.
//
// The offset of an entry is its place in the stream, from 1. Seeking reads the
// stream again from its start.
type dirHandle struct {
	dir    *dirNode
	prefix uint64 // hash of the directory's key

	reader   *cache.DirReader
	unstored map[string]*fileNode // new files that the listing has not shown yet
	tail     []string             // of those, what is left after the listing
	listed   bool                 // the listing is at its end
	place    uint64               // entries given so far

	last    cache.Entry // the entry given last, for Lookup
	found   bool        // last is from the listing
	edition uint64      // no node had a later one when last was asked for
	bare    bool        // there were entries without metadata

	reply reply
	// asked is the last name that was asked for ahead, refill the one at which others are.
	asked, refill string
}

// OpendirHandle implements gofuse.NodeOpendirHandler.
func (d *dirNode) OpendirHandle(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	d.walked()
	h := &dirHandle{dir: d}
	h.rewind()
	return h, 0, 0
}

func (h *dirHandle) rewind() {
	d := h.dir
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	key := keyLocked(d)
	h.prefix = keyHash(keyHashSeed, key)
	h.reader = d.fsys.cfg.Cache.ReadDir(key)
	h.unstored = maps.Clone(d.unstored)
	h.tail, h.listed, h.place, h.found, h.bare = nil, false, 0, false, false
	h.asked, h.refill = "", ""
}

// Seekdir implements gofuse.FileSeekdirer.
func (h *dirHandle) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off < h.place {
		h.rewind()
	}
	for h.place < off {
		entry, errno := h.Readdirent(ctx)
		if errno != 0 || entry == nil {
			return errno
		}
	}
	return 0
}

// Readdirent implements gofuse.FileReaddirenter.
func (h *dirHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	h.found = false
	h.replying(ctx)
	switch h.place {
	case 0:
		return h.give(".", fuse.S_IFDIR, h.dir.StableAttr().Ino), 0
	case 1:
		return h.give("..", fuse.S_IFDIR, h.dir.parentNumber()), 0
	}
	if !h.listed {
		w, stop := h.dir.fsys.waiting(ctx)
		defer stop()
		h.edition = h.dir.fsys.nodes.editions.Load()
		entry, err := h.reader.Next(w)
		if err == nil {
			return h.list(entry), 0
		}
		if !errors.Is(err, io.EOF) {
			return nil, h.dir.fsys.answer("readdir", h.dir.key(), err)
		}
		h.listed = true
		h.tail = slices.Sorted(maps.Keys(h.unstored))
	}
	for len(h.tail) > 0 {
		name := h.tail[0]
		h.tail = h.tail[1:]
		if n := h.dir.child(name); n == treeNode(h.unstored[name]) {
			return h.give(name, fuse.S_IFREG, n.tree().StableAttr().Ino), 0
		}
	}
	return nil, 0
}

// list gives an entry of the listing.
func (h *dirHandle) list(entry cache.Entry) *fuse.DirEntry {
	delete(h.unstored, entry.Name)
	h.last, h.found = entry, true
	n := h.dir.child(entry.Name)
	if _, isDir := n.(*dirNode); n != nil && isDir == entry.Dir {
		attr := n.tree().StableAttr()
		return h.give(entry.Name, attr.Mode, attr.Ino)
	}
	if entry.Dir {
		return h.give(entry.Name, fuse.S_IFDIR, inodeNumber(keyHash(keyHash(h.prefix, entry.Name), "/"), 0))
	}
	attr, known := h.dir.fsys.attributesOf(entry.Info, fuse.S_IFREG)
	if !known || h.bare { // what was asked for ahead may be known by now
		h.dir.fsys.ahead.listed(h.dir, entry.Name, !h.bare)
		h.bare = true
	}
	return h.give(entry.Name, attr.mode&syscall.S_IFMT, inodeNumber(keyHash(h.prefix, entry.Name), 0))
}

func (h *dirHandle) give(name string, fileType uint32, ino uint64) *fuse.DirEntry {
	h.place++
	return &fuse.DirEntry{Name: name, Mode: fileType, Ino: ino, Off: h.place}
}

// parentNumber is the inode number of "..".
func (d *dirNode) parentNumber() uint64 {
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	if d.parent == nil {
		return d.StableAttr().Ino
	}
	return d.parent.StableAttr().Ino
}

// Lookup implements gofuse.FileLookuper: it is the second half of an entry of
// READDIRPLUS. An error makes a plain entry, without attributes and without a
// node, which the kernel looks up when somebody wants to know more. That is the
// answer for objects whose attributes only a HEAD could tell (see doc.go), unless
// somebody is expected to want them: see complete.
func (h *dirHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	d := h.dir
	before := d.sight(name)
	if f, ok := before.node.(*fileNode); ok && f.local() && d.handOut(name, f) {
		return d.fsys.reply(f, out), 0
	}
	if !h.found || h.last.Name != name || before.edition > h.edition {
		return nil, plainEntry
	}
	entry := h.last
	if !entry.Dir && h.bare {
		info, known := h.complete(ctx, entry.Info)
		if !known {
			return nil, plainEntry
		}
		entry.Info = info
	}
	n, again, err := d.settle(name, before, entry, nil)
	if again || err != nil {
		return nil, plainEntry
	}
	inode := d.fsys.reply(n, out)
	h.reply.age(out)
	return inode, 0
}

// Fsyncdir implements gofuse.FileFsyncdirer: names are stored when the call that
// made them returned, what waits is metadata, what was unlinked, and what is parked.
func (h *dirHandle) Fsyncdir(ctx context.Context, _ uint32) syscall.Errno {
	d := h.dir
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	err := errors.Join(d.fsys.parked.land(w, d), d.fsys.departures.flush(w))
	err = errors.Join(err, d.reproach(), d.fsys.pending.keepNow(w, d))
	return d.fsys.answer("fsyncdir", d.key(), err)
}
