package fs

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// Rename implements gofuse.NodeRenamer.
func (d *dirNode) Rename(ctx context.Context, name string, newParent gofuse.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	f := d.fsys
	w, stop := f.waiting(ctx)
	defer stop()
	to, ok := newParent.(*dirNode)
	if !ok {
		return f.answer("rename", d.key()+name, errNotDir)
	}
	err := d.rename(w, name, to, newName, flags)
	if err != nil {
		err = fmt.Errorf("to %q: %w", to.key()+newName, err)
	}
	return f.answer("rename", d.key()+name, err)
}

func (d *dirNode) rename(ctx context.Context, name string, to *dirNode, newName string, flags uint32) error {
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return fmt.Errorf("%w: two objects cannot change their names at once", errInvalid)
	}
	leave, err := d.fsys.nodes.stay(ctx, d, to)
	if err != nil {
		return err
	}
	defer leave()
	newKey, err := to.newKey(ctx, newName)
	if err != nil {
		return err
	}
	if flags&unix.RENAME_NOREPLACE != 0 {
		if err := to.absent(ctx, newName); err != nil {
			return err
		}
	}
	// The kernel has looked both names up and holds the directories, so what it
	// knows to be there has a node.
	source := d.child(name)
	target := to.child(newName)
	if source == nil {
		return errStale // it was lost since: the kernel looks again
	}
	if source == target {
		return nil
	}
	switch source := source.(type) {
	case *fileNode:
		file, ok := target.(*fileNode)
		if target != nil && !ok {
			return errIsDir
		}
		err = d.renameFile(ctx, source, file, to, newName, newKey)
	case *dirNode:
		dir, ok := target.(*dirNode)
		if target != nil && !ok {
			return errNotDir
		}
		err = d.renameDir(ctx, name, source, dir, to, newName, newKey+"/")
	}
	if err != nil {
		return err
	}
	d.touch()
	to.touch()
	return d.remain(ctx)
}

// enterBoth takes the operation gates of two nodes, in the order in which the
// nodes were made, so that two renames cannot wait for each other. One may be nil.
func enterBoth(ctx context.Context, a, b *fileNode) (leave func(), err error) {
	switch {
	case a == nil:
		return b.operation.leave, b.operation.enter(ctx)
	case b == nil:
		return a.operation.leave, a.operation.enter(ctx)
	}
	first, second := a, b
	if first.StableAttr().Gen > second.StableAttr().Gen {
		first, second = second, first
	}
	if err := first.operation.enter(ctx); err != nil {
		return func() {}, err
	}
	if err := second.operation.enter(ctx); err != nil {
		first.operation.leave()
		return func() {}, err
	}
	return func() { second.operation.leave(); first.operation.leave() }, nil
}

// renameFile gives a file another name. There is no rename in the store: what is
// stored is copied and deleted, with the attributes that waited to be stored, and
// what is not stored yet is stored under the new name when its time comes. The
// name changes last, so that after a failure the old one has the file.
func (d *dirNode) renameFile(ctx context.Context, n, target *fileNode, to *dirNode, newName, newKey string) error {
	f := d.fsys
	leave, err := f.comebacks.enter(ctx, newKey, target, n)
	if err != nil {
		return err
	}
	defer leave()
	oldKey := n.key()
	n.refresh()
	n.mu.Lock()
	under, source, stale := n.writing, n.object, n.replaced
	n.mu.Unlock()
	stored := source.stored
	if stale {
		return errStale
	}
	parked := under != nil && under.parked != nil
	guard, show, err := f.overwriting(ctx, target)
	if err != nil {
		return err
	}
	var back func() // nil until something is as it shall be
	undo := func() {
		if back != nil {
			back()
		}
		if stored && back != nil {
			f.replacedBy(target, newKey) // the copy is there
		} else {
			show()
		}
	}
	switch {
	case stored:
		if under != nil { // before anything is replaced: what cannot follow
			err = under.file.BeforeRename(ctx)
		}
		if err == nil {
			back, err = n.copyTo(ctx, newKey)
		}
		if err == nil && under == nil { // what was sent of a file under write may be there for a moment
			err = f.stillThere(ctx, oldKey, source)
		}
	case parked:
		err = n.landAs(ctx, under, newKey, guard)
	case under != nil:
		back, err = under.rename(ctx, newKey, guard)
	}
	if err != nil {
		undo()
		return err
	}
	ctx, done := f.toTheEnd(ctx)
	defer done()
	if stored || under != nil && under.covers { // an object has the old key
		if err := f.deleteOld(ctx, oldKey); err != nil {
			undo()
			return err
		}
	}
	if under != nil && !stored && !parked {
		under.covers = target.present()
	}
	f.replacedBy(target, newKey)
	f.nodes.move(n, to, newName)
	f.cfg.Cache.Remove(oldKey)
	if stored {
		f.cfg.Uploader.Forget(newKey) // what failed under that name is not missed any more
		f.cfg.Uploader.Lacks(oldKey, nil)
	}
	n.mu.Lock()
	n.copied, n.changed = "", f.cfg.Now()
	n.mu.Unlock()
	return nil
}

// stillThere fails if another client has stored something else under a file's old name while
// the store copied part after part of it. A copy that is one request is not looked after: the
// store copies nothing but what it was asked for, and the deletion follows.
func (f *FileSystem) stillThere(ctx context.Context, key string, source object) error {
	if source.size <= f.cfg.Store.Profile().MaxCopy {
		return nil
	}
	f.cfg.Cache.Invalidate(key)
	info, err := f.cfg.Cache.Stat(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil // nothing gets lost
	case err != nil:
		return fmt.Errorf("a copy of the file has the new name: %w", err)
	case !source.same(objectOf(info)):
		return fmt.Errorf("a copy of the file has the new name: %w: %q is another client's by now", errTaken, key)
	}
	return nil
}

// deleteOld deletes the object of a file that has another key now.
func (f *FileSystem) deleteOld(ctx context.Context, key string) error {
	if err := f.deleteOrLook(ctx, key); err != nil {
		return fmt.Errorf("a copy of the file has the new name: %w", err)
	}
	return nil
}

// replacedBy takes the name of a file away that another one has got. What the cache
// knows of the object under the name stays true: it is the other's by now, or the one
// that the other's commit will replace. target may be nil.
func (f *FileSystem) replacedBy(target *fileNode, key string) {
	if target == nil {
		return
	}
	f.gone(target, key)
	target.mu.Lock()
	over := target.writing
	target.mu.Unlock()
	if over != nil {
		over.file.Unlink()
		over.unpark()
		target.endIdle(over)
	}
}

// overwriting prepares a file for losing its name to another, and returns what
// the other's commit may replace, and what to call if the file keeps its name.
func (f *FileSystem) overwriting(ctx context.Context, target *fileNode) (guard objstore.Condition, show func(), err error) {
	if target == nil {
		return objstore.Condition{Absent: true}, func() {}, nil
	}
	target.mu.Lock()
	under := target.writing
	target.mu.Unlock()
	if under != nil { // who takes its name is not asked to make room later
		if err := under.file.Vacate(ctx); err != nil {
			return objstore.Condition{}, nil, err
		}
	}
	target.refresh()
	target.readersClosed(ctx)
	guard = target.guard() // before it may read from a copy
	show, err = target.hide(ctx)
	return guard, show, err
}

// guard is what is under the file's name, as far as this mount knows. The operation gate
// is held.
func (n *fileNode) guard() objstore.Condition {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.object.stored && n.hidden == "":
		return objstore.Condition{ETag: n.object.etag}
	case n.writing != nil && !n.object.stored:
		return n.writing.file.Guard()
	}
	return objstore.Condition{}
}

// present reports that the store has an object under the file's name. n may be
// nil. The operation gate is held.
func (n *fileNode) present() bool {
	if n == nil {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.object.stored || n.writing != nil && n.writing.covers
}

// copyTo copies the stored object of the file to another key, which is then the
// node's object, until back takes that back. If it fails when the copy is there, back
// is not nil. The operation gate is held.
func (n *fileNode) copyTo(ctx context.Context, newKey string) (back func(), err error) {
	key, place := n.key(), n.place()
	n.mu.Lock()
	source := n.infoLocked(key)
	wish, wished := n.wishedLocked()
	was := placement{n.object, n.full, n.hidden, wished}
	var attr *attributes
	if under := n.writing; wished && (under == nil || !under.file.Dirty()) {
		attr = &wish
	}
	n.mu.Unlock()
	info, err := n.fsys.copyWith(ctx, newKey, source, attr)
	if errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrNotFound) {
		if ended := n.settle(ctx); ended != nil {
			return nil, ended
		}
		n.fsys.cfg.Cache.Invalidate(key) // which may have been asked meanwhile
		if n.refresh(); n.place() != place {
			return n.copyTo(ctx, newKey) // the uploader had something else there for a while
		}
		return nil, errors.Join(errStale, err)
	}
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.copied = newKey
	n.mu.Unlock()
	back = func() { n.putBack(was, source) }
	ctx, done := n.fsys.toTheEnd(ctx)
	defer done()
	return back, n.arrived(ctx, info, attr)
}

// toTheEnd is the context for the rest of a rename whose copy is there. If the caller was killed
// meanwhile, the file would have two names.
func (f *FileSystem) toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(f.ctx, patient.Answer)
}

// placement is what a node knows of where its content is.
type placement struct {
	object object
	full   *objstore.Info
	hidden string
	wished bool // the object does not carry all that it shall
}

// putBack makes the object that the file was copied from its object again. The
// operation gate is held.
func (n *fileNode) putBack(was placement, source objstore.Info) {
	n.mu.Lock()
	n.object, n.full, n.hidden, n.copied = was.object, was.full, was.hidden, ""
	n.pending = n.pending || was.wished
	pending, under := n.pending, n.writing
	n.mu.Unlock()
	if pending {
		n.fsys.pending.add(n)
	}
	if under != nil {
		under.back(source)
	}
}

// arrived takes over a copy of the file's object under its new key, and with
// which attributes it was made. The operation gate is held.
func (n *fileNode) arrived(ctx context.Context, info objstore.Info, attr *attributes) error {
	n.mu.Lock()
	under := n.writing
	if attr != nil {
		n.pending = n.attr != *attr
	} else { // what the copy does not carry is yet to be stored
		_, n.pending = n.wishedLocked()
	}
	pending := n.pending
	n.mu.Unlock()
	if pending {
		n.fsys.pending.add(n)
	}
	if under != nil {
		if _, err := under.rename(ctx, info.Key, objstore.Condition{ETag: info.ETag}); err != nil {
			return err
		}
	}
	n.moved(info)
	return nil
}

// rename makes the next commit go to another key, until back is called. The
// operation gate is held.
func (w *writing) rename(ctx context.Context, key string, guard objstore.Condition) (back func(), err error) {
	f := w.node.fsys
	oldKey, oldGuard := w.key, w.file.Guard()
	w.file.SetOptions(f.renames(oldKey, key))
	if err := w.file.Rename(ctx, key, guard); err != nil {
		w.file.SetOptions(f.renames(key, oldKey))
		return nil, err
	}
	w.key = key
	return func() {
		w.key = oldKey
		w.file.SetOptions(f.renames(key, oldKey))
		if err := w.file.Rename(w.node.fsys.ctx, oldKey, oldGuard); err != nil {
			w.file.Discard(err) // it must not be stored under a name that it does not have
		}
	}, nil
}

// back makes an object under another key what the file is written over again. What was sent
// since under the key that it had is staged: it would become the object of that. The operation
// gate is held.
func (w *writing) back(source objstore.Info) {
	n := w.node
	if w.key != source.Key {
		w.file.SetOptions(n.fsys.renames(w.key, source.Key))
		w.key = source.Key
	}
	if err := w.file.Rename(n.fsys.ctx, source.Key, objstore.Condition{ETag: source.ETag}); err != nil {
		w.file.Discard(err) // it must not be stored under a name that it does not have
	}
	w.file.Rebase(source)
	n.mu.Lock()
	defer n.mu.Unlock()
	w.given = attributes{} // the base brings its own
}
