package fs

import (
	"context"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// change is what a SETATTR asks for beside a size.
type change struct {
	mode, uid, gid *uint32
	mtime, atime   *time.Time
	// implicit says that nobody may have asked: before it closes a file, and now and
	// then, the kernel tells the mtime that its write-back cache came to.
	implicit bool
}

func changeOf(in *fuse.SetAttrIn, now time.Time) (c change, any bool) {
	if v, ok := in.GetMode(); ok {
		c.mode = &v
	}
	if v, ok := in.GetUID(); ok {
		c.uid = &v
	}
	if v, ok := in.GetGID(); ok {
		c.gid = &v
	}
	switch {
	case in.Valid&fuse.FATTR_MTIME_NOW != 0:
		c.mtime = &now
	case in.Valid&fuse.FATTR_MTIME != 0:
		t := time.Unix(int64(in.Mtime), int64(in.Mtimensec))
		c.mtime = &t
	}
	switch {
	case in.Valid&fuse.FATTR_ATIME_NOW != 0:
		c.atime = &now
	case in.Valid&fuse.FATTR_ATIME != 0:
		t := time.Unix(int64(in.Atime), int64(in.Atimensec))
		c.atime = &t
	}
	c.implicit = c.mode == nil && c.uid == nil && c.gid == nil && in.Valid&fuse.FATTR_ATIME == 0
	return c, c.mode != nil || c.uid != nil || c.gid != nil || c.mtime != nil || c.atime != nil
}

// apply returns the attributes after the change, and whether that is another state.
func (c change) apply(a attributes) (b attributes, differs bool) {
	b = a
	if c.uid != nil {
		b.uid, b.known = *c.uid, b.known|knownUID
	}
	if c.gid != nil {
		b.gid, b.known = *c.gid, b.known|knownGID
	}
	if c.uid != nil || c.gid != nil {
		b = b.withoutPrivilege() // as chown(2) does
	}
	if c.mode != nil {
		b.mode, b.known = b.mode&syscall.S_IFMT|*c.mode&0o7777, b.known|knownMode
	}
	if c.mtime != nil {
		b.mtime, b.known = *c.mtime, b.known|knownMtime
	}
	same := a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.mtime.Equal(b.mtime) && a.known == b.known
	return b, !same
}

// withoutPrivilege clears the bits that let others act as the owner: whoever
// changes the file, or its owner, might not be entitled to pass that on.
func (a attributes) withoutPrivilege() attributes {
	switch a.mode & syscall.S_IFMT {
	case syscall.S_IFDIR, syscall.S_IFLNK: // the bits mean something else there, or nothing
		return a
	}
	bits := uint32(0)
	if a.mode&syscall.S_ISUID != 0 {
		bits |= syscall.S_ISUID
	}
	if a.mode&syscall.S_ISGID != 0 && a.mode&0o010 != 0 {
		bits |= syscall.S_ISGID
	}
	if bits != 0 {
		a.mode, a.known = a.mode&^bits, a.known|knownMode
	}
	return a
}

// withoutPrivilege returns the metadata of an object that is written anew, where
// the mode is not known to whom writes it.
func withoutPrivilege(meta map[string]string, a attributes) map[string]string {
	mode, ok := decodeMode(meta[metaMode])
	if !ok || a.known&knownMode != 0 {
		return meta
	}
	if mode&syscall.S_IFMT == 0 {
		mode |= syscall.S_IFREG
	}
	b := attributes{mode: mode}.withoutPrivilege()
	if b.mode == mode {
		return meta
	}
	return b.encode(meta)
}

// Setattr implements gofuse.NodeSetattrer.
func (n *fileNode) Setattr(ctx context.Context, _ gofuse.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	err := n.setattr(w, in)
	if in.Valid&fuse.FATTR_FH == 0 {
		err = n.byName(w, err)
	}
	if err != nil {
		return n.fsys.answer("setattr", n.key(), err)
	}
	n.fill(&out.Attr)
	out.SetTimeout(n.attrTTL())
	return 0
}

func (n *fileNode) setattr(ctx *wait, in *fuse.SetAttrIn) error {
	c, any := changeOf(in, n.fsys.cfg.Now())
	resize := in.Valid&fuse.FATTR_SIZE != 0
	byName := in.Valid&fuse.FATTR_FH == 0
	if !resize && n.knows(c) {
		return nil
	}
	if byName && (resize || !c.implicit) {
		n.awaitFailed(ctx)
	}
	if !n.takes(c) {
		if err := n.ask(ctx); err != nil {
			return err
		}
	}
	if resize {
		if err := n.truncate(ctx, int64(in.Size), byName); err != nil {
			return err
		}
	}
	if !any {
		return nil
	}
	return n.setAttributes(c)
}

// takes reports that the file is being written and the kernel tells what it came
// to: that is for the commit, and what else the object carries does not matter.
func (n *fileNode) takes(c change) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.implicit && n.writing != nil
}

// knows reports that the kernel tells what it was told: after an unlink or a
// rename, which change the ctime, it sends all its times.
func (n *fileNode) knows(c change) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.implicit && (c.mtime == nil || n.deleted || c.mtime.Equal(n.attr.mtime))
}

// setAttributes makes a change seen at once, and stored with the next commit, or
// a little later by itself.
func (n *fileNode) setAttributes(c change) error {
	if n.fsys.cfg.ReadOnly {
		return uploader.ErrDraining
	}
	n.mu.Lock()
	if n.replaced && !c.implicit {
		n.mu.Unlock()
		return errStale
	}
	now, wished := n.wishedLocked()
	attr, differs := c.apply(now)
	n.attr = attr
	if c.atime != nil {
		n.accessed = *c.atime
	}
	if !c.implicit {
		n.changed = n.fsys.cfg.Now()
	}
	if again := wished && !n.pending; !differs && !again || n.deleted {
		n.mu.Unlock()
		return nil
	}
	alone := n.travelLocked(c.implicit)
	n.mu.Unlock()
	if alone {
		n.fsys.pending.add(n)
	}
	return nil
}

// travelLocked gives changed attributes to the next commit. It reports that there
// is none to be expected, so that they have to be stored by themselves.
func (n *fileNode) travelLocked(implicit bool) (alone bool) {
	if n.fsys.cfg.Metadata == MetadataNone {
		return false // seen as long as the kernel or the node lives
	}
	w := n.writing
	if w == nil {
		n.pending = true
		return true
	}
	w.giveLocked(n.attr)
	dirty := w.ahead.Load() || w.file.Dirty()
	if implicit && dirty {
		return false
	}
	w.explicit = true
	if dirty {
		return false // the commit finds out whether it was in time
	}
	n.pending = true
	return true
}

// giveLocked makes the next commit store the attributes. node.mu is held.
func (w *writing) giveLocked(a attributes) {
	if w.given == a || w.node.fsys.cfg.Metadata == MetadataNone {
		return
	}
	w.given = a
	w.file.SetOptions(func(o *objstore.ObjectOptions) { o.Metadata = a.encode(withoutPrivilege(o.Metadata, a)) })
}

// written notes what a write does to the attributes. They are given to the
// uploader when there is a commit: not once for every write.
func (n *fileNode) written() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr = n.attr.withoutPrivilege()
	if n.fsys.cfg.WriteThrough {
		n.attr.mtime, n.attr.known = n.fsys.cfg.Now(), n.attr.known|knownMtime
	}
}

// truncate sets the size of the file: of the one under write, or of the stored
// one, which is then stored anew, because no close follows that could do it.
// byName says that no descriptor was used. A file that seems to be open then may
// be one whose RELEASE is still on its way, which the kernel does not wait for; so what
// nobody has written to is stored, or was just made if each of its handles may be closed.
func (n *fileNode) truncate(ctx context.Context, size int64, byName bool) error {
	if n.fsys.cfg.ReadOnly {
		return uploader.ErrDraining
	}
	if err := n.operation.enter(ctx); err != nil {
		return err
	}
	defer n.operation.leave()
	if err := n.land(ctx); err != nil {
		return err
	}
	key := n.key()
	n.mu.Lock()
	under, stale := n.writing, n.replaced || n.deleted
	now := n.object.size
	flags := uint32(0)
	if size == 0 {
		flags = syscall.O_TRUNC
	}
	options := n.openOptionsLocked(key, flags)
	n.mu.Unlock()
	switch {
	case under != nil:
		defer n.endIdle(under)
		alone := byName && !stale && (!under.file.Dirty() || under.blank.Load() && under.flushed == under.handles)
		if err := under.truncate(ctx, size); err != nil {
			return err
		}
		n.written()
		if !alone {
			return nil
		}
		return n.commit(ctx, under)
	case stale:
		return errStale
	case size == now:
		return nil
	case n.fsys.cfg.Uploader.Draining():
		return uploader.ErrDraining
	}
	w := n.startWriting(key, options)
	w.handles-- // nobody has it open
	err := w.truncate(ctx, size)
	if err == nil {
		n.written()
		err = n.commit(ctx, w)
	}
	n.endWriting(n.fsys.ctx, w)
	return err
}

// Setattr implements gofuse.NodeSetattrer.
func (d *dirNode) Setattr(ctx context.Context, _ gofuse.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	err := d.ask(w)
	if c, any := changeOf(in, d.fsys.cfg.Now()); err == nil && any {
		err = d.setAttributes(c)
	}
	if err != nil {
		return d.fsys.answer("setattr", d.key(), err)
	}
	d.fill(&out.Attr)
	out.SetTimeout(d.fsys.cfg.AttrTTL)
	return 0
}

func (d *dirNode) setAttributes(c change) error {
	if d.fsys.cfg.ReadOnly {
		return uploader.ErrDraining
	}
	d.mu.Lock()
	now, wished := d.wishedLocked()
	attr, differs := c.apply(now)
	d.attr, d.changed = attr, d.fsys.cfg.Now()
	if c.atime != nil {
		d.accessed = *c.atime
	}
	if c.mtime != nil {
		d.touched = time.Time{}
	}
	alone := (differs || wished && !d.pending) && d.fsys.cfg.Metadata == MetadataPosix && d != d.fsys.root
	d.pending = d.pending || alone
	d.mu.Unlock()
	if alone {
		d.fsys.pending.add(d)
	}
	return nil
}
