package fs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"syscall"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// Unlink implements gofuse.NodeUnlinker.
func (d *dirNode) Unlink(ctx context.Context, name string) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	return d.fsys.answer("unlink", d.key()+name, d.unlink(w, name))
}

func (d *dirNode) unlink(ctx *wait, name string) error {
	f := d.fsys
	if f.cfg.ReadOnly {
		return uploader.ErrDraining
	}
	if err := keypath.ValidName(name); err != nil {
		return err
	}
	if err := d.reproach(); err != nil {
		return err
	}
	leave, err := f.nodes.stay(ctx, d)
	if err != nil {
		return err
	}
	defer leave()
	n := d.child(name)
	switch n := n.(type) {
	case *dirNode:
		return errIsDir
	case *fileNode:
		leave, err := f.comebacks.enter(ctx, n.key(), n, nil)
		if err != nil {
			return err
		}
		defer leave()
		return n.remove(ctx, d)
	}
	// The kernel has forgotten it, or never asked.
	key := keypath.Join(d.key(), name)
	if f.departures.leaving(key) {
		return errNotFound
	}
	if err := d.erase(ctx, key, true); err != nil {
		return err
	}
	f.cfg.Cache.Remove(key)
	f.cfg.Uploader.Forget(key)
	d.emptying(true)
	d.touch()
	return d.remain(ctx)
}

// erase deletes the object of an entry: at once, or in the company of others
// where company says that it may be, and the thread is deleting many.
func (d *dirNode) erase(ctx *wait, key string, company bool) error {
	q := &d.fsys.departures
	var err error
	if company && q.many(ctx.caller.Pid) {
		err = q.add(ctx, departure{key: key, dir: d})
	} else {
		err = d.fsys.deleteOrLook(ctx, key)
	}
	if err == nil {
		q.deleted(ctx.caller.Pid)
	}
	return err
}

// deleteOrLook deletes an object, and looks for it where that failed: it may have been deleted
// although the answer got lost. A file must not be left with an object that is gone.
func (f *FileSystem) deleteOrLook(ctx context.Context, key string) error {
	err := f.cfg.Store.Delete(ctx, key)
	if err == nil {
		return nil
	}
	f.cfg.Cache.Invalidate(key)
	if _, gone := f.cfg.Cache.Stat(ctx, key); errors.Is(gone, objstore.ErrNotFound) {
		return nil
	}
	return err
}

// remove deletes the file. Who has it open goes on with its content. The
// operation gate is held.
func (n *fileNode) remove(ctx *wait, d *dirNode) error {
	f := n.fsys
	key := n.key()
	n.refresh()
	n.readersClosed(ctx)
	n.mu.Lock()
	under, stored := n.writing, n.object.stored
	idle := under == nil && n.readers == 0
	n.mu.Unlock()
	if under != nil {
		if err := under.file.Leave(ctx); err != nil {
			return err
		}
		defer under.file.Stay()
	}
	show := func() {}
	if stored {
		var err error
		if show, err = n.hide(ctx); err != nil {
			return err
		}
	}
	stored = stored || under != nil && under.covers
	if stored {
		if err := d.erase(ctx, key, idle); err != nil {
			show()
			return err
		}
	}
	if under != nil {
		under.file.Unlink()
	}
	f.gone(n, key)
	f.cfg.Cache.Remove(key)
	if under != nil {
		under.unpark()
		n.endIdle(under)
	}
	d.emptying(true)
	d.touch()
	if !stored {
		return nil
	}
	return d.remain(ctx)
}

// gone takes a deleted file out of the tree.
func (f *FileSystem) gone(n *fileNode, key string) {
	n.mu.Lock()
	n.deleted, n.pending, n.leaving = true, false, false
	n.mu.Unlock()
	f.nodes.detach(n)
	f.cfg.Uploader.Forget(key)
}

// hide keeps the content of a file that is about to lose its object, by a copy
// under a hidden key, if somebody has it open. What is too large to be copied in
// one request is not kept: reads then answer ESTALE. The operation gate is held.
// show takes it back if the object stays.
func (n *fileNode) hide(ctx context.Context) (show func(), err error) {
	f := n.fsys
	key := n.key()
	n.mu.Lock()
	open := n.readers > 0 || n.writing != nil
	source, under, hidden := n.infoLocked(key), n.writing, n.hidden
	object, full := n.object, n.full
	n.leaving = !open
	n.mu.Unlock()
	if !open {
		return n.staysStored, nil
	}
	if hidden != "" || source.Size == 0 || source.Size > f.cfg.Store.Profile().MaxCopy {
		return func() {}, nil
	}
	hidden = f.cfg.HiddenPrefix + "open-" + rand.Text()
	info, err := f.copyWith(ctx, hidden, source, nil)
	switch {
	case errors.Is(err, objstore.ErrPrecondition), errors.Is(err, objstore.ErrNotFound):
		return func() {}, nil // it was not there any more
	case err != nil:
		f.background.Go(func() { f.deleteHidden("unlink", hidden) }) // it may be there all the same
		return nil, fmt.Errorf("keep the content of an open file: %w", err)
	}
	n.mu.Lock()
	n.hidden = hidden
	n.object = objectOf(info)
	if n.full != nil {
		n.full = &info
	}
	n.mu.Unlock()
	f.hidden.add(n)
	if under != nil {
		under.file.Rebase(info)
	}
	return func() { n.show(hidden, object, full, source) }, nil
}

// staysStored says that the object does not leave after all.
func (n *fileNode) staysStored() {
	n.mu.Lock()
	n.leaving = false
	n.mu.Unlock()
}

// show makes the object the file's content again, in place of its hidden copy.
// The operation gate is held.
func (n *fileNode) show(hidden string, object object, full *objstore.Info, source objstore.Info) {
	n.fsys.hidden.remove(n)
	n.mu.Lock()
	n.hidden, n.object, n.full = "", object, full
	under := n.writing
	n.mu.Unlock()
	if under != nil {
		under.file.Return(source)
		n.mu.Lock()
		under.given = attributes{} // the base brings its own
		n.mu.Unlock()
	}
	n.fsys.deleteHidden("unlink", hidden)
}

// dropHidden deletes the hidden copy once nobody has the file open.
func (n *fileNode) dropHidden() {
	n.mu.Lock()
	hidden := n.hidden
	if n.readers > 0 || n.writing != nil {
		hidden = ""
	}
	if hidden != "" {
		n.hidden, n.object = "", object{}
	}
	n.mu.Unlock()
	if hidden == "" {
		return
	}
	n.fsys.hidden.remove(n)
	n.fsys.deleteHidden("release", hidden)
}

// deleteHidden deletes a hidden copy that nobody needs.
func (f *FileSystem) deleteHidden(op, key string) {
	if err := f.cfg.Store.Delete(f.ctx, key); err != nil {
		f.cfg.Uploader.DeleteLater(key)
		f.answer(op, key, err)
	}
}

// remain makes sure that the directory does not vanish with the entry that was
// just taken away: one that was only implied by its entries gets a marker.
func (d *dirNode) remain(ctx context.Context) error {
	f := d.fsys
	d.mu.Lock()
	safe := d.marker || d == f.root
	d.mu.Unlock()
	if safe {
		return nil
	}
	key := d.key()
	empty, marker, err := f.cfg.Cache.Empty(ctx, key)
	if err != nil {
		return err
	}
	if marker {
		d.learn(true, objstore.Info{})
	}
	if !empty || marker {
		return nil
	}
	if err := d.keeping.enter(ctx); err != nil { // one with older attributes must not arrive behind another
		return err
	}
	defer d.keeping.leave()
	return f.putMarker(ctx, key, d, objstore.Condition{})
}
