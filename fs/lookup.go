package fs

import (
	"context"
	"errors"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Lookup implements gofuse.NodeLookuper.
func (d *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if errors.Is(keypath.ValidName(name), keypath.ErrTooLong) {
		return nil, d.fsys.answer("lookup", d.key()+name, keypath.ErrTooLong)
	}
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	n, err := d.find(w, name)
	if long := d.fsys.cfg.Store.Profile().CheckKey(d.key() + name); errors.Is(err, errNotFound) && errors.Is(long, objstore.ErrKeyTooLong) {
		err = keypath.ErrTooLong // it is not there, nor can it be
	}
	if err != nil {
		return nil, d.fsys.answer("lookup", d.key()+name, err)
	}
	return d.fsys.reply(n, out), 0
}

// reply writes the answer about a node that was handed out.
func (f *FileSystem) reply(n treeNode, out *fuse.EntryOut) *gofuse.Inode {
	f.entry(out)
	switch n := n.(type) {
	case *dirNode:
		if !n.known() {
			out.SetAttrTimeout(0) // a stat asks for the marker; a walk need not
		}
		n.fill(&out.Attr)
	case *fileNode:
		n.fill(&out.Attr)
		if !n.complete() {
			out.SetAttrTimeout(0)
		}
	}
	return n.tree().EmbeddedInode()
}

// find returns the node of a name, handed out.
func (d *dirNode) find(ctx *wait, name string) (treeNode, error) {
	back := &d.fsys.comebacks
	r := returner{d.key() + name, ctx.caller.Pid}
	if !back.looking(r) {
		return d.findNow(ctx, name)
	}
	for {
		n, err := d.findNow(ctx, name)
		f, isFile := n.(*fileNode)
		if err != nil || !isFile {
			back.came(r)
			return n, err
		}
		if f.going.Load() { // who has begun before to take its name away ends first
			if err := f.operation.enter(ctx); err != nil {
				return n, nil
			}
			f.operation.leave()
		}
		if d.child(name) == n {
			return n, nil
		}
	}
}

func (d *dirNode) findNow(ctx *wait, name string) (treeNode, error) {
	for {
		before := d.sight(name)
		if f, ok := before.node.(*fileNode); ok && f.local() && d.handOut(name, f) {
			return f, nil
		}
		walking := !d.bareLookups() && d.statAheadOf(name)
		entry, err := d.look(ctx, name)
		if err == nil && !entry.Dir {
			entry.Info, err = d.complete(ctx, entry.Info, walking)
		}
		n, again, err := d.settle(name, before, entry, err)
		if !again {
			return n, err
		}
	}
}

// look asks the cache for a name. Who deletes file after file is answered from a
// listing that may be a minute old.
func (d *dirNode) look(ctx *wait, name string) (cache.Entry, error) {
	f := d.fsys
	if d.bareLookups() && f.departures.many(ctx.caller.Pid) {
		if entry, known := f.cfg.Cache.Recall(d.key(), name); known {
			return entry, nil
		}
	}
	return f.cfg.Cache.Lookup(ctx, d.key(), name)
}

// local reports that the node says more about its name than the store does: the
// file is being written or renamed, or has changes that are not stored or are on
// their way.
func (n *fileNode) local() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.replaced && (n.writing != nil || n.pending || n.storing || n.copied != "")
}

// bareLookups reports that a lookup is answered from the listing, although the
// metadata may say something else.
//
// rm -r looks a name up and deletes it: a HEAD would be for nothing, and cost as
// much as the deletion. So after a deletion the next lookup in the directory is
// expected to be for one, too. If it was not, somebody asks for the attributes of
// the node or opens it, which asks the store; and if the kernel has been told the
// wrong mtime or type, the answer is ESTALE: the kernel then looks the name up
// again, without the program seeing anything of it.
//
// Where the kernel checks permissions itself it would do so with what it is told
// first, so there everything is asked for. Without the write-back cache the
// kernel takes another mtime later, and nothing needs to be asked for early, but where
// a name turned out to be no regular file.
func (d *dirNode) bareLookups() bool {
	c := &d.fsys.cfg
	if c.AllowOther || c.Permissions {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deletions == 0 {
		return c.WriteThrough
	}
	return d.deletions > 0
}

// guesses reports that a name is looked up to open the file, as far as one can
// know: opening it for writing needs none of its metadata. Whoever wants the
// attributes asks for them, with the same consequences as in bareLookups.
func (d *dirNode) guesses() bool {
	c := &d.fsys.cfg
	if c.AllowOther || c.Permissions {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.deletions >= 0
}

// wrongGuess is how many deletions must follow one that a wrong guess was made of.
const wrongGuess = 8

// emptying notes that an entry was deleted, or that one was not deleted which was
// looked up as if it would be.
func (d *dirNode) emptying(right bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if right {
		d.deletions = min(d.deletions+1, 1)
	} else {
		d.deletions = -wrongGuess
	}
}

// complete returns all of an object whose attributes only its metadata tells. What
// the node knows does not count: a chmod by another client leaves the ETag as it
// was, and whether a listing proves that nothing happened is for the cache to say.
// walking says that entry after entry is looked at.
func (d *dirNode) complete(ctx context.Context, info objstore.Info, walking bool) (objstore.Info, error) {
	if info.Full || d.fsys.cfg.Metadata == MetadataNone || d.bareLookups() {
		return info, nil
	}
	if !walking && info.Size > longestTarget && d.guesses() {
		return info, nil
	}
	return d.fsys.cfg.Cache.Stat(ctx, info.Key)
}

// settle makes the answer of the store and what this mount has of the name into
// one node. again is true where this mount changed the name or the object while the
// store was asked, so that the answer may be older than the change.
func (d *dirNode) settle(name string, before sighting, entry cache.Entry, failure error) (n treeNode, again bool, err error) {
	missing := errors.Is(failure, objstore.ErrNotFound)
	if failure != nil && !missing {
		return nil, false, failure
	}
	t := &d.fsys.nodes
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.sightLocked(name) != before {
		return nil, true, nil
	}
	now := before.node
	if f, ok := now.(*fileNode); ok && f.local() {
		return nil, true, nil
	}
	if missing {
		if sub, ok := now.(*dirNode); ok && len(sub.unstored) > 0 {
			now.tree().handouts.Add(1) // the files in it are yet to be stored
			return now, false, nil
		}
		if now != nil {
			retire(now)
			t.detachLocked(now)
		}
		return nil, false, errNotFound
	}
	if now != nil && matches(now, entry) {
		now.tree().handouts.Add(1)
		return now, false, nil
	}
	if now != nil {
		retire(now)
	}
	return d.fsys.adoptLocked(d, name, entry), false, nil
}

// matches reports that the node can stand for what the store has, and tells it.
func matches(n treeNode, entry cache.Entry) bool {
	switch n := n.(type) {
	case *dirNode:
		if !entry.Dir {
			return false
		}
		n.learn(entry.Marker, entry.Info)
		return true
	case *fileNode:
		n.mu.Lock()
		defer n.mu.Unlock()
		if entry.Dir || !n.stillLocked(entry.Info) {
			return false
		}
		n.learnLocked(entry.Info)
		return true
	}
	return false
}

// retire marks a node whose name means something else now. Open handles go on
// reading its content as long as the store or the cache has it.
func retire(n treeNode) {
	if f, ok := n.(*fileNode); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.replaced = true
	}
}

// adoptLocked makes the node of an entry.
func (f *FileSystem) adoptLocked(d *dirNode, name string, entry cache.Entry) treeNode {
	if entry.Dir {
		sub := newDir(f)
		sub.learn(entry.Marker, entry.Info)
		f.nodes.attachLocked(d, name, sub, fuse.S_IFDIR)
		return sub
	}
	n := f.newFileNode(entry.Info)
	f.nodes.attachLocked(d, name, n, n.attr.mode&syscall.S_IFMT)
	return n
}
