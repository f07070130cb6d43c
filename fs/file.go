package fs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var (
	_ gofuse.NodeOpener         = (*fileNode)(nil)
	_ gofuse.NodeGetattrer      = (*fileNode)(nil)
	_ gofuse.NodeSetattrer      = (*fileNode)(nil)
	_ gofuse.NodeAccesser       = (*fileNode)(nil)
	_ gofuse.NodeReadlinker     = (*fileNode)(nil)
	_ gofuse.NodeGetxattrer     = (*fileNode)(nil)
	_ gofuse.NodeListxattrer    = (*fileNode)(nil)
	_ gofuse.NodeSetxattrer     = (*fileNode)(nil)
	_ gofuse.NodeRemovexattrer  = (*fileNode)(nil)
	_ gofuse.NodeLseeker        = (*fileNode)(nil)
	_ gofuse.NodeCopyFileRanger = (*fileNode)(nil)
	_ gofuse.NodeStatfser       = (*fileNode)(nil)
	_ gofuse.NodeOnForgetter    = (*fileNode)(nil)
)

// fileNode is an object: a regular file, a symlink, or a special file. It stands
// for one content: when somebody else replaces the object, the name gets another
// node. This mount's own commits stay on the node.
type fileNode struct {
	node

	// operation is held by one of: a change from clean to under write and back, a
	// commit, a rename, an unlink, storing metadata. It is held across requests to
	// the store; see doc.go.
	operation gate

	unstored atomic.Bool // new, and not in the store yet; set before it has a name
	going    atomic.Bool // it is losing its name to another one, or for good: see comebacks

	// mu is never held across a request or a wait.
	mu       sync.Mutex
	object   object
	full     *objstore.Info // all of it, where that was asked for; not to be changed
	attr     attributes
	doubted  bool          // attr and carried are of an earlier answer: see learnLocked
	accessed time.Time     // the atime that somebody set; it is not stored
	changed  time.Time     // when this mount changed the attributes or the name
	carried  time.Time     // the mtime that the object carried when it was last seen
	writing  *writing      // nil while nobody has it open for writing
	readers  int           // read-only handles
	closing  int           // those of them of which a descriptor was closed: see readersClosed
	unread   chan struct{} // closed when there is no reader any more; nil while nobody waits for that
	wasRead  bool          // it was opened for reading before: the kernel may have its pages
	spoiled  bool          // the kernel has pages of bytes that were damaged: see openAnswer
	archived bool          // that it is was logged
	asking   int           // those of the readers whose reads come to the mount
	backing  *backing      // while there are others, which the kernel reads by itself
	pending  bool          // attr differs from what the object carries, and is to be stored
	storing  bool          // attr is on its way to the object
	failed   error         // why the last attempt to store attributes failed
	wished   attributes    // those of that attempt: see wishedLocked
	leaving  bool          // its object is about to go, and its content is not kept: see lockToOpen
	deleted  bool          // it has no name any more
	replaced bool          // the name means another content now
	hidden   string        // key of a hidden copy of the content, kept for open handles
	copied   string        // key of the object, while a rename has copied it and the node has its old name
}

// object is what a listing tells of an object. It has no key: that is the node's
// place in the tree.
type object struct {
	stored  bool   // there is one
	etag    string // "" where the store knows none, as of files put into the folder of a gateway
	size    int64
	modTime time.Time
}

func objectOf(info objstore.Info) object {
	return object{true, info.ETag, info.Size, info.ModTime}
}

// same reports that both have one content, as far as the store tells: without an
// ETag its time has to do.
func (o object) same(p object) bool {
	if o.etag == "" && !o.modTime.Truncate(time.Second).Equal(p.modTime.Truncate(time.Second)) {
		return false
	}
	return o.stored == p.stored && o.etag == p.etag && o.size == p.size
}

// newFileNode makes the node of an object that the store has.
func (f *FileSystem) newFileNode(info objstore.Info) *fileNode {
	n := &fileNode{object: objectOf(info)}
	n.fsys = f
	n.learnLocked(info)
	return n
}

// learnLocked takes over what is known of the object that the node stands for.
func (n *fileNode) learnLocked(info objstore.Info) {
	n.object = objectOf(info)
	switch {
	case info.Full:
		n.full, n.doubted = &info, false
	case n.full != nil || n.doubted:
		// Another client may have changed it since. What is needed of it is asked for, and
		// until then nothing that was known is given to a commit. The kernel is told what it
		// was told before: a listing knows no better.
		n.full, n.attr.known, n.doubted = nil, 0, true
		return
	}
	attr, _ := n.fsys.attributesOf(info, fuse.S_IFREG)
	n.carried = attr.mtime
	switch {
	case n.writing != nil:
		n.attr = n.attr.over(attr) // what was set meanwhile is yet to be stored
	case !n.pending && !n.storing:
		n.attr = attr
	}
}

// infoLocked is the object as the cache and the uploader want it.
func (n *fileNode) infoLocked(key string) objstore.Info {
	switch {
	case n.copied != "":
		key = n.copied
	case n.hidden != "":
		key = n.hidden
	}
	if n.full != nil {
		info := *n.full
		info.Key = key
		return info
	}
	return objstore.Info{Key: key, Size: n.object.size, ETag: n.object.etag, ModTime: n.object.modTime}
}

// complete reports that nothing about the attributes is left to ask for.
func (n *fileNode) complete() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.completeLocked()
}

func (n *fileNode) completeLocked() bool {
	return n.full != nil || n.deleted || !n.object.stored || n.fsys.cfg.Metadata == MetadataNone
}

// ask looks at the object where its metadata is needed and not known. It may turn
// out that the node cannot stand for the object: the kernel then looks the name
// up again, and gets another node. A file under write keeps its node: what became
// of the object is found out by the commit.
func (n *fileNode) ask(ctx *wait) error {
	if n.complete() {
		return nil
	}
	edition, key := n.edition.Load(), n.key()
	info, err := n.fsys.cfg.Cache.Stat(ctx, key)
	if err != nil && !errors.Is(err, objstore.ErrNotFound) {
		return err
	}
	n.mu.Lock()
	if n.edition.Load() != edition { // it may be older than what was stored
		n.mu.Unlock()
		return n.ask(ctx)
	}
	if n.writing != nil {
		if err == nil && n.full == nil && n.object.same(objectOf(info)) {
			n.learnLocked(info)
			n.writing.file.Learn(info)
		}
		n.mu.Unlock()
		return nil
	}
	complete := n.completeLocked() // by now: it was deleted, say, and the answer is about what it was
	still := !complete && err == nil && n.stillLocked(info)
	if still {
		n.learnLocked(info)
	}
	n.mu.Unlock()
	if complete || still {
		return nil
	}
	// It may be this mount that deletes, replaces or renames it. Who does has the gate
	// until the node knows.
	if err := n.operation.enter(ctx); err != nil {
		return err
	}
	n.operation.leave()
	switch {
	case n.complete(), n.key() != key, n.edition.Load() != edition:
		return n.ask(ctx)
	case err != nil:
		return errStale
	}
	n.fsys.outdated(n)
	return errLookAgain
}

// outdated takes a node away that was made from a listing, and that cannot show
// what the metadata says.
func (f *FileSystem) outdated(n *fileNode) {
	retire(n)
	f.nodes.mu.RLock()
	d := n.parent
	f.nodes.mu.RUnlock()
	if d != nil {
		d.emptying(false)
	}
	f.nodes.detach(n)
}

// stillLocked reports that the node can stand for the object as it is now.
//
// With its write-back cache the kernel believes its own size and mtime of a
// regular file for as long as it knows the inode. So a node also ends where the
// object has another mtime, as when another mount did a chmod or utimens, which
// leaves the ETag as it was.
func (n *fileNode) stillLocked(info objstore.Info) bool {
	if !n.object.same(objectOf(info)) {
		return false
	}
	if n.fsys.cfg.Metadata == MetadataNone || !info.Full || n.pending || n.storing {
		return true
	}
	attr, _ := n.fsys.attributesOf(info, fuse.S_IFREG)
	if attr.mode&syscall.S_IFMT != n.StableAttr().Mode {
		return false
	}
	return n.fsys.cfg.WriteThrough || attr.mtime.Equal(n.carried)
}

// fill writes the attributes that are known.
func (n *fileNode) fill(out *fuse.Attr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	size, links := n.object.size, uint32(1)
	if w := n.writing; w != nil {
		size = w.file.Size()
	}
	if n.deleted {
		links = 0
	}
	changed := n.object.modTime
	if changed.Before(n.changed) {
		changed = n.changed
	}
	n.attr.fill(out, n.StableAttr().Ino, size, n.accessed, changed, links)
}

// Getattr implements gofuse.NodeGetattrer.
func (n *fileNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	forKernel := out.Dummy == kernelsOwn
	out.Dummy = 0
	if forKernel && n.sizeWillDo() {
		n.fill(&out.Attr)
		out.SetTimeout(n.attrTTL())
		return 0
	}
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := n.ask(w); err != nil {
		return n.fsys.answer("getattr", n.key(), err)
	}
	n.fill(&out.Attr)
	out.SetTimeout(n.attrTTL())
	return 0
}

// attrTTL is for how long the kernel may believe what fill says.
func (n *fileNode) attrTTL() time.Duration {
	if !n.complete() {
		return 0
	}
	return n.fsys.cfg.AttrTTL
}

// sizeWillDo reports that the kernel's question before a write is answered without
// a request. The answer counts for this write only, so for the next one more is
// found out: then the kernel need not ask before every write.
func (n *fileNode) sizeWillDo() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.writing
	if w == nil || n.completeLocked() || w.sizeAsked {
		return false
	}
	w.sizeAsked = true
	return true
}

// Access implements gofuse.NodeAccesser. The kernel asks only where it does not
// check permissions itself: then nobody but the owner of the mount gets here,
// and all that is left to say is what can be executed.
func (n *fileNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	const execute = 1
	if mask&execute == 0 {
		return 0
	}
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := n.ask(w); err != nil {
		return n.fsys.answer("access", n.key(), err)
	}
	n.mu.Lock()
	mode := n.attr.mode
	n.mu.Unlock()
	if mode&0o111 == 0 {
		return errnoOf(errNotPermitted) // an answer, not a failure
	}
	return 0
}

// OnForget implements gofuse.NodeOnForgetter.
func (n *fileNode) OnForget() { n.fsys.nodes.forgotten(n) }

func (n *fileNode) needed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.neededLocked()
}

func (n *fileNode) neededLocked() bool { return n.writing != nil || n.pending || n.storing }
