package fs

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var (
	_ gofuse.NodeLookuper       = (*dirNode)(nil)
	_ gofuse.NodeOpendirHandler = (*dirNode)(nil)
	_ gofuse.NodeCreater        = (*dirNode)(nil)
	_ gofuse.NodeMknoder        = (*dirNode)(nil)
	_ gofuse.NodeMkdirer        = (*dirNode)(nil)
	_ gofuse.NodeSymlinker      = (*dirNode)(nil)
	_ gofuse.NodeLinker         = (*dirNode)(nil)
	_ gofuse.NodeUnlinker       = (*dirNode)(nil)
	_ gofuse.NodeRmdirer        = (*dirNode)(nil)
	_ gofuse.NodeRenamer        = (*dirNode)(nil)
	_ gofuse.NodeGetattrer      = (*dirNode)(nil)
	_ gofuse.NodeSetattrer      = (*dirNode)(nil)
	_ gofuse.NodeAccesser       = (*dirNode)(nil)
	_ gofuse.NodeStatfser       = (*dirNode)(nil)
	_ gofuse.NodeGetxattrer     = (*dirNode)(nil)
	_ gofuse.NodeListxattrer    = (*dirNode)(nil)
	_ gofuse.NodeSetxattrer     = (*dirNode)(nil)
	_ gofuse.NodeRemovexattrer  = (*dirNode)(nil)
	_ gofuse.NodeOnForgetter    = (*dirNode)(nil)
)

// dirNode is a directory: the keys with one prefix. It has a marker object, named
// by the prefix itself, or it is implied by the keys below it.
type dirNode struct {
	node

	keeping gate // held by who stores the marker, or takes it away

	// Guarded by tree.mu.
	children map[string]treeNode  // the names that this mount has nodes of
	unstored map[string]*fileNode // of those, the new files that no listing shows yet
	removals uint64               // names that were taken away so far
	staying  int                  // operations that change its entries
	moving   *dirMove             // the rename of it that is under way

	mu       sync.Mutex
	attr     attributes
	touched  time.Time  // when this mount changed an entry, if attr.mtime was not set since
	accessed time.Time  // the atime that somebody set; it is not stored
	changed  time.Time  // when this mount changed the attributes
	marker   bool       // it was there
	pending  bool       // attr is to be stored in the marker
	storing  int        // requests on their way that store it: what the store says meanwhile is older
	failed   error      // why the last attempt to store attributes failed
	wished   attributes // those of that attempt

	walk      int   // as many more entries will be listed when they are looked at
	undeleted error // why a file is there whose unlink had succeeded; told once

	deletions int // above 0: the next lookup is taken for one of a deletion
}

func newRoot(f *FileSystem) *dirNode {
	d := newDir(f)
	return d
}

func newDir(f *FileSystem) *dirNode {
	d := &dirNode{attr: f.defaults(fuse.S_IFDIR, f.cfg.Now())}
	d.fsys = f
	return d
}

// learn takes over what a listing or a HEAD told of the marker.
func (d *dirNode) learn(marker bool, info objstore.Info) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.learnLocked(marker, info)
}

func (d *dirNode) learnLocked(marker bool, info objstore.Info) {
	d.marker = d.marker || marker // a listing that has not got there says false
	if !marker || !info.Full || d.pending || d.storing > 0 {
		return
	}
	d.attr, _ = d.fsys.attributesOf(info, fuse.S_IFDIR)
	d.attr.mode = d.attr.mode&0o7777 | fuse.S_IFDIR
}

// ask looks at the marker where its metadata is needed and not known.
func (d *dirNode) ask(ctx *wait) error {
	if d.fsys.cfg.Metadata == MetadataNone {
		return nil
	}
	for !d.ours() {
		edition, key := d.edition.Load(), d.key()
		if key == "" {
			return nil
		}
		info, marker, err := d.lookAtMarker(ctx, key)
		if d.edition.Load() != edition || d.key() != key { // it may be older than what was stored
			continue
		}
		if err != nil || d.take(edition, info, marker) {
			return err
		}
	}
	return nil
}

// known takes over what the cache knows of the marker, and reports whether nothing is
// left to ask for.
func (d *dirNode) known() bool {
	if d.fsys.cfg.Metadata == MetadataNone || d.ours() {
		return true
	}
	edition := d.edition.Load()
	info, marker, known := d.fsys.cfg.Cache.Known(d.key())
	return known && d.take(edition, info, marker)
}

// take takes over what was said of the marker, unless something was stored since the
// edition of before: then that is known.
func (d *dirNode) take(edition uint64, info objstore.Info, marker bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.edition.Load() != edition:
		return false
	case marker:
		d.learnLocked(true, info)
	default:
		d.unmarkedLocked()
	}
	return true
}

// lookAtMarker is what the store says of the marker, and whether there is one.
func (d *dirNode) lookAtMarker(ctx context.Context, key string) (info objstore.Info, marker bool, err error) {
	c := d.fsys.cfg.Cache
	if info, marker, known := c.Known(key); known {
		return info, marker, nil
	}
	if d.beingWalked() {
		if _, marker, err = c.Empty(ctx, key); err != nil || !marker {
			return objstore.Info{}, false, err
		}
	}
	info, err = c.Stat(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return objstore.Info{}, false, nil
	}
	return info, err == nil, err
}

// ours reports that nobody knows the attributes better: they are not stored yet, or the
// directory has no name any more.
func (d *dirNode) ours() bool {
	if !d.fsys.nodes.named(d) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending || d.storing > 0
}

// unmarkedLocked takes in that there is no marker, and so nothing that tells of attributes.
func (d *dirNode) unmarkedLocked() {
	d.marker = false
	if !d.pending && d.storing == 0 {
		d.attr = d.fsys.defaults(fuse.S_IFDIR, d.attr.mtime)
	}
}

// walkAhead is how many directories are listed, after one of them or the one that
// they are in was opened, just because somebody wants to know their attributes.
const walkAhead = 16

// beingWalked reports that the directory will be listed, as far as one can know:
// find, du and rsync look at a directory and then into it. A listing tells whether
// there is a marker, and most buckets that others filled have none: then the
// HEAD for it is spared.
func (d *dirNode) beingWalked() bool {
	t := &d.fsys.nodes
	t.mu.RLock()
	parent := d.parent
	t.mu.RUnlock()
	if parent == nil {
		return false
	}
	parent.mu.Lock()
	defer parent.mu.Unlock()
	parent.walk = max(parent.walk-1, 0)
	return parent.walk > 0
}

// walked notes that the directory was opened.
func (d *dirNode) walked() {
	t := &d.fsys.nodes
	t.mu.RLock()
	parent := d.parent
	t.mu.RUnlock()
	for _, d := range []*dirNode{d, parent} {
		if d != nil {
			d.mu.Lock()
			d.walk = walkAhead
			d.mu.Unlock()
		}
	}
}

// touch sets the time of the directory after this mount changed an entry of it.
// The time is kept in memory only: a request for every file would be a high price.
func (d *dirNode) touch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touched = d.fsys.cfg.Now()
}

// fill writes the attributes that are known.
func (d *dirNode) fill(out *fuse.Attr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// One link says that subdirectories are not counted: they would have to be listed.
	a := d.attr
	if a.mtime.Before(d.touched) {
		a.mtime = d.touched
	}
	a.fill(out, d.StableAttr().Ino, blockSize, d.accessed, d.changed, 1)
}

// Getattr implements gofuse.NodeGetattrer.
func (d *dirNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	if err := d.ask(w); err != nil {
		return d.fsys.answer("getattr", d.key(), err)
	}
	d.fill(&out.Attr)
	out.SetTimeout(d.fsys.cfg.AttrTTL)
	return 0
}

// Access implements gofuse.NodeAccesser. The kernel asks only where it does not
// check permissions itself: then nobody but the owner of the mount gets here.
func (d *dirNode) Access(context.Context, uint32) syscall.Errno { return 0 }

// OnForget implements gofuse.NodeOnForgetter.
func (d *dirNode) OnForget() { d.fsys.nodes.forgotten(d) }

func (d *dirNode) needed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending || len(d.children) > 0
}
