package fs

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// Create implements gofuse.NodeCreater. Nothing is sent: the file comes into the
// store with its first commit.
func (d *dirNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*gofuse.Inode, gofuse.FileHandle, uint32, syscall.Errno) {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	leave, err := d.fsys.nodes.stay(w, d)
	if err != nil {
		return nil, nil, 0, d.fsys.answer("create", d.key()+name, err)
	}
	defer leave()
	key, err := d.newKey(w, name)
	if err != nil {
		return nil, nil, 0, d.fsys.answer("create", d.key()+name, err)
	}
	if n := d.child(name); n != nil {
		return d.createExisting(w, name, flags, out)
	}
	if d.fsys.cfg.Uploader.Draining() {
		return nil, nil, 0, d.fsys.answer("create", key, uploader.ErrDraining)
	}
	n := d.newFile(key, w.caller, mode|fuse.S_IFREG)
	n.unstored.Store(true)
	// It gets its name when it is under write: what has a name and is neither
	// stored nor under write is taken for deleted.
	under := n.startWriting(key, uploader.OpenOptions{
		Guard:     objstore.Condition{Absent: true},
		Exclusive: flags&syscall.O_EXCL != 0,
		Options:   d.fsys.newOptions(key, objstore.ObjectOptions{}, n.attr),
	})
	h := newWriteHandle(under, w.caller, flags)
	if d.temporary(name, flags, w.caller.Pid) {
		h.temporary = key
	}
	inode := d.attach(name, n, fuse.S_IFREG)
	d.touch()
	n.fill(&out.Attr)
	d.fsys.entry(out)
	return inode, h, fuse.FOPEN_KEEP_CACHE, 0
}

// createExisting opens what has the name already: the kernel has not known of it.
func (d *dirNode) createExisting(ctx *wait, name string, flags uint32, out *fuse.EntryOut) (*gofuse.Inode, gofuse.FileHandle, uint32, syscall.Errno) {
	n, err := d.find(ctx, name)
	f, isFile := n.(*fileNode)
	switch {
	case err == nil && flags&syscall.O_EXCL != 0:
		err = errExists
	case err == nil && !isFile:
		err = errIsDir
	}
	if err == nil {
		var h *writeHandle
		h, err = f.openWrite(ctx, flags)
		if err = f.byName(ctx, err); err == nil {
			return d.fsys.reply(f, out), h, f.openAnswer(), 0
		}
	}
	return nil, nil, 0, d.fsys.answer("create", d.key()+name, err)
}

// newFile makes the node of a file that the caller makes.
func (d *dirNode) newFile(key string, caller fuse.Caller, mode uint32) *fileNode {
	f := d.fsys
	now := f.cfg.Now()
	n := &fileNode{attr: attributes{
		known: knownMode | knownUID | knownGID | knownMtime,
		mode:  mode, uid: caller.Uid, gid: d.groupOf(caller), mtime: now,
	}}
	if f.cfg.Metadata == MetadataNone { // what a listing will say tomorrow, it says today
		n.attr = f.defaults(mode&syscall.S_IFMT, now)
	}
	n.carried = now
	n.object.modTime = now
	n.fsys = f
	return n
}

// setgid is the bit that the directory hands on to those below it, with its group.
func (d *dirNode) setgid() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.attr.mode & syscall.S_ISGID
}

// groupOf is the group of what the caller makes in the directory.
func (d *dirNode) groupOf(caller fuse.Caller) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.attr.mode&syscall.S_ISGID != 0 {
		return d.attr.gid
	}
	return caller.Gid
}

// newKey returns the key of a name that is about to be made, and refuses names
// that the store or a path could not hold. What had the name is deleted then.
func (d *dirNode) newKey(ctx context.Context, name string) (string, error) {
	f := d.fsys
	if f.cfg.ReadOnly {
		return "", uploader.ErrDraining
	}
	if err := keypath.ValidName(name); err != nil {
		return "", err
	}
	key := keypath.Join(d.key(), name)
	if err := f.cfg.Store.Profile().CheckKey(key); err != nil {
		return "", fmt.Errorf("key of %d bytes: %w", len(key), err)
	}
	if f.cfg.Hide(key) || f.cfg.Hide(key+"/") {
		return "", fmt.Errorf("%w: the name is kept for the mount itself", errForbidden)
	}
	return key, f.departures.settle(ctx, key)
}

// absent makes sure that a name is not taken, as far as this mount can know.
func (d *dirNode) absent(ctx context.Context, name string) error {
	if n := d.child(name); n != nil {
		if f, ok := n.(*fileNode); !ok || f.local() {
			return errExists
		}
	}
	_, err := d.fsys.cfg.Cache.Lookup(ctx, d.key(), name)
	switch {
	case err == nil:
		return errExists
	case errors.Is(err, objstore.ErrNotFound):
		return nil
	}
	return err
}
