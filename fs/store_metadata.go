package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// keep implements keeper.
func (n *fileNode) keep(ctx context.Context) error {
	if err := n.operation.enter(ctx); err != nil {
		return err
	}
	defer n.operation.leave()
	return n.storeMetadata(ctx)
}

// storeMetadata makes the object carry the node's attributes, by copying it onto
// itself. The operation gate is held.
func (n *fileNode) storeMetadata(ctx context.Context) error {
	key := n.key()
	n.mu.Lock()
	under := n.writing
	if under != nil && under.explicit && !under.file.OptionsStored() {
		n.pending = true // no commit has come that carried them
	}
	attr, wished := n.wishedLocked()
	todo := wished && !n.deleted && !n.replaced && n.object.stored
	if under != nil && under.file.Dirty() {
		todo = false // a commit is coming that carries them, or finds that it could not
	}
	n.pending = false
	if !todo {
		n.mu.Unlock()
		return nil
	}
	n.storing = true
	source := n.infoLocked(key)
	n.mu.Unlock()
	defer n.endStoring()
	info, err := n.fsys.copyWith(ctx, key, source, &attr)
	if err != nil {
		// It is tried again by who syncs the file, and told to him. Till then the
		// name shows what is stored.
		err = fmt.Errorf("store metadata of %q: %w", key, err)
		n.mu.Lock()
		n.failed, n.wished = err, attr
		n.mu.Unlock()
		n.fsys.cfg.Uploader.Lacks(key, err)
		return err
	}
	n.moved(info)
	n.fsys.cfg.Uploader.Lacks(key, nil)
	return nil
}

// storeBefore stores the attributes that were waiting for that when somebody began to write, who has
// failed: they have nothing to do with what he wrote. The operation gate is held.
func (n *fileNode) storeBefore(ctx context.Context, w *writing) {
	key := n.key()
	n.mu.Lock()
	attr, source := w.before, n.infoLocked(key)
	todo := attr != nil && n.object.stored && !n.deleted && !n.replaced && n.hidden == ""
	n.mu.Unlock()
	if !todo {
		return
	}
	info, err := n.fsys.copyWith(ctx, key, source, attr)
	if err != nil {
		err = fmt.Errorf("store metadata of %q: %w", key, err)
		n.fsys.answer("store metadata", key, err)
	} else {
		n.fsys.cfg.Cache.Publish(info)
	}
	n.fsys.cfg.Uploader.Lacks(key, err)
}

// wishedLocked returns the attributes that the object shall carry and does not, and
// whether there are any. Where storing them has failed they are the node's again: it is tried
// once more.
func (n *fileNode) wishedLocked() (attributes, bool) {
	if !n.pending && n.failed != nil {
		n.attr = n.wished
	}
	return n.attr, n.pending || n.failed != nil
}

// endStoring says that no attributes are on their way any more.
func (n *fileNode) endStoring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.storing = false
}

// moved makes a copy that this mount made of its object the node's object. The
// content is the same, so the kernel's pages stay. The operation gate is held.
func (n *fileNode) moved(info objstore.Info) {
	n.mu.Lock()
	n.object, n.full, n.hidden, n.failed = objectOf(info), nil, "", nil
	if info.Full {
		n.full = &info
		told, _ := n.fsys.attributesOf(info, n.attr.mode)
		n.carried = told.mtime
	}
	under := n.writing
	n.mu.Unlock()
	if under != nil {
		under.file.Rebase(info)
		n.mu.Lock()
		under.given = attributes{} // Rebase took the object's own: give ours again
		n.mu.Unlock()
	}
	n.fsys.cfg.Cache.Publish(info)
	n.fsys.nodes.renew(n)
}

// keep implements keeper.
func (d *dirNode) keep(ctx context.Context) error { return d.storeMetadata(ctx) }

// storeMetadata puts the directory's attributes into its marker, which is made
// where there is none. One that was removed has no marker, though attributes may still
// be set by who has it open: another one may have its name by now.
func (d *dirNode) storeMetadata(ctx context.Context) error {
	if err := d.keeping.enter(ctx); err != nil {
		return err
	}
	defer d.keeping.leave()
	d.fsys.pending.remove(d) // first: what is set from here on comes back
	named := d.fsys.nodes.named(d)
	d.mu.Lock()
	attr, wished := d.wishedLocked()
	d.pending = false
	if !wished || !named {
		d.mu.Unlock()
		return nil
	}
	d.storing++
	d.mu.Unlock()
	key := d.key()
	err := d.fsys.putMarker(ctx, key, d, objstore.Condition{})
	d.mu.Lock()
	d.storing--
	d.failed, d.wished = err, attr
	d.mu.Unlock()
	d.fsys.cfg.Uploader.Lacks(key, err)
	return err
}

// wishedLocked is for a directory what it is for a file.
func (d *dirNode) wishedLocked() (attributes, bool) {
	if !d.pending && d.failed != nil {
		d.attr = d.wished
	}
	return d.attr, d.pending || d.failed != nil
}

// markerType is the Content-Type of a directory marker, as s3fs and the AWS
// console write it.
const markerType = "application/x-directory"

// putMarker stores the marker of a directory, whose key is given because a new
// one has no place in the tree yet.
func (f *FileSystem) putMarker(ctx context.Context, key string, d *dirNode, guard objstore.Condition) error {
	d.mu.Lock()
	attr := d.attr
	d.mu.Unlock()
	o := f.smallOptions(key, attr)
	o.ContentType = markerType
	body := objstore.Body{Reader: bytes.NewReader(nil), Digest: objstore.SumOf(f.cfg.Store.Profile().Digest)}
	info, err := f.putNew(ctx, key, body, objstore.PutOptions{ObjectOptions: o, Condition: guard})
	if err != nil {
		return fmt.Errorf("make directory %q: %w", key, err)
	}
	if guard.Absent {
		f.cfg.Cache.PublishDir(key)
	}
	f.cfg.Cache.Publish(info)
	f.nodes.renew(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.marker = true
	return nil
}

// putNew stores a small object whole. One that must not have been there may be
// found there because the answer to an attempt was lost: it is known as our own by
// its metadata, with a time in nanoseconds.
func (f *FileSystem) putNew(ctx context.Context, key string, body objstore.Body, o objstore.PutOptions) (objstore.Info, error) {
	info, err := f.cfg.Store.Put(ctx, key, body, o)
	if err == nil {
		info.Full, info.ObjectOptions = true, o.ObjectOptions
		return info, nil
	}
	if !o.Condition.Absent || !errors.Is(err, objstore.ErrPrecondition) {
		return objstore.Info{}, err
	}
	if f.cfg.Metadata == MetadataPosix {
		f.cfg.Cache.Invalidate(key)
		seen, e := f.cfg.Cache.Stat(ctx, key)
		if e == nil && seen.Size == body.Size && maps.Equal(seen.Metadata, o.Metadata) {
			return seen, nil
		}
	}
	return objstore.Info{}, errors.Join(errExists, err)
}
