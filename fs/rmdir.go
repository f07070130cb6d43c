package fs

import (
	"context"
	"errors"
	"syscall"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/uploader"
)

// Rmdir implements gofuse.NodeRmdirer.
func (d *dirNode) Rmdir(ctx context.Context, name string) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	return d.fsys.answer("rmdir", d.key()+name, d.rmdir(w, name))
}

func (d *dirNode) rmdir(ctx context.Context, name string) error {
	f := d.fsys
	if f.cfg.ReadOnly {
		return uploader.ErrDraining
	}
	if err := keypath.ValidName(name); err != nil {
		return err
	}
	leave, err := f.nodes.stay(ctx, d)
	if err != nil {
		return err
	}
	defer leave()
	n := d.child(name)
	sub, isDir := n.(*dirNode)
	if n != nil && !isDir {
		return errNotDir
	}
	if sub != nil {
		if err := sub.keeping.enter(ctx); err != nil {
			return err
		}
		defer sub.keeping.leave()
	}
	key := keypath.Join(d.key(), name) + "/"
	if err := f.emptyDir(ctx, key, sub); err != nil {
		return err
	}
	// With what is still to be deleted in it: when rmdir returns nothing is left.
	err = f.departures.remove(ctx, key)
	if sub != nil {
		err = errors.Join(err, sub.reproach()) // a file that could not be deleted
	}
	if err != nil {
		if sub != nil {
			sub.mu.Lock()
			sub.marker = false // it may be gone: whoever relies on it asks
			sub.mu.Unlock()
		}
		f.cfg.Cache.InvalidateDir(key)
		f.cfg.Cache.Invalidate(key)
		return err
	}
	if sub != nil {
		f.nodes.detach(sub)
	}
	f.cfg.Uploader.Forget(key)
	f.cfg.Cache.RemoveDir(key)
	d.touch()
	return d.remain(ctx)
}

// emptyDir makes sure that nothing but the marker is in a directory: neither in
// the store nor among the new files of this mount. sub may be nil. What somebody
// else stored there in the last moment stays: only the marker is deleted.
func (f *FileSystem) emptyDir(ctx context.Context, key string, sub *dirNode) error {
	if sub != nil {
		f.nodes.mu.RLock()
		unstored := len(sub.unstored)
		f.nodes.mu.RUnlock()
		if unstored > 0 {
			return errNotEmpty
		}
	}
	empty, _, err := f.cfg.Cache.Empty(ctx, key)
	if err != nil {
		return err
	}
	if !empty {
		return errNotEmpty
	}
	return nil
}
