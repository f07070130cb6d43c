package fs

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// xattrPrefix names the attributes that tell of the object behind a file.
const xattrPrefix = "user.sluicefs."

// userPrefix is that of the attributes which programs may set.
const userPrefix = "user."

// Getxattr implements gofuse.NodeGetxattrer.
func (n *fileNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if !strings.HasPrefix(name, userPrefix) {
		return 0, errnoOf(errUnsupported)
	}
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := n.ask(w); err != nil {
		return 0, n.fsys.answer("getxattr", n.key(), err)
	}
	if short, ours := strings.CutPrefix(name, xattrPrefix); ours {
		value, ok := n.describe()[short]
		return n.fsys.xattr(dest, []byte(value), ok)
	}
	n.mu.Lock()
	kept := n.attr.xattrs
	n.mu.Unlock()
	value, ok := decodeXattrs(kept)[name]
	return n.fsys.xattr(dest, value, ok)
}

// Getxattr implements gofuse.NodeGetxattrer.
func (d *dirNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if !strings.HasPrefix(name, userPrefix) {
		return 0, errnoOf(errUnsupported)
	}
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	if err := d.ask(w); err != nil {
		return 0, d.fsys.answer("getxattr", d.key(), err)
	}
	d.mu.Lock()
	kept := d.attr.xattrs
	d.mu.Unlock()
	value, ok := decodeXattrs(kept)[name]
	return d.fsys.xattr(dest, value, ok)
}

// xattr answers with a value, if there is one.
func (f *FileSystem) xattr(dest, value []byte, ok bool) (uint32, syscall.Errno) {
	if !ok {
		return 0, errnoOf(errNoAttribute)
	}
	return copyOut(dest, string(value))
}

// Listxattr implements gofuse.NodeListxattrer. What tells of the object is not
// listed: programs that copy all attributes would try to set it elsewhere.
func (n *fileNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := n.ask(w); err != nil {
		return 0, n.fsys.answer("listxattr", n.key(), err)
	}
	n.mu.Lock()
	kept := n.attr.xattrs
	n.mu.Unlock()
	return copyOut(dest, decodeXattrs(kept).list())
}

// Listxattr implements gofuse.NodeListxattrer.
func (d *dirNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	if err := d.ask(w); err != nil {
		return 0, d.fsys.answer("listxattr", d.key(), err)
	}
	d.mu.Lock()
	kept := d.attr.xattrs
	d.mu.Unlock()
	return copyOut(dest, decodeXattrs(kept).list())
}

// list is the names as listxattr(2) has them.
func (x xattrs) list() string {
	names := slices.Sorted(maps.Keys(x))
	for i := range names {
		names[i] += "\x00"
	}
	return strings.Join(names, "")
}

// copyOut answers with a value, or with its size where nothing else was asked for.
func copyOut(dest []byte, value string) (uint32, syscall.Errno) {
	if len(dest) > 0 && len(dest) < len(value) {
		return uint32(len(value)), errnoOf(errRange)
	}
	copy(dest, value)
	return uint32(len(value)), 0
}

// describe says what is known of the object, by the short names of attributes.
func (n *fileNode) describe() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]string{"state": "stored"}
	if n.object.etag != "" {
		out["etag"] = n.object.etag
	}
	if f := n.full; f != nil {
		out["storage-class"] = f.StorageClassSeen
		if f.StorageClassSeen == "" {
			out["storage-class"] = "STANDARD"
		}
		if !f.Checksum.IsZero() {
			out["checksum"] = checksumText(f.Checksum)
		}
	}
	failure := n.failed
	if w := n.writing; w != nil {
		if w.file.Dirty() {
			out["state"] = "writing"
		}
		if err := w.file.Err(); err != nil {
			failure = err
		}
	}
	if failure != nil {
		out["state"], out["error"] = "failed", failure.Error()
	}
	return out
}

func checksumText(d objstore.Digest) string {
	return fmt.Sprintf("%s:%s", strings.ToLower(string(d.Algorithm)), hex.EncodeToString(d.Sum))
}

// Setxattr implements gofuse.NodeSetxattrer.
func (n *fileNode) Setxattr(ctx context.Context, name string, value []byte, flags uint32) syscall.Errno {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	return n.fsys.answer("setxattr", n.key(), n.changeXattr(w, xattrChange{name, slices.Clone(value), flags, false}))
}

// Removexattr implements gofuse.NodeRemovexattrer.
func (n *fileNode) Removexattr(ctx context.Context, name string) syscall.Errno {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	return n.fsys.answer("removexattr", n.key(), n.changeXattr(w, xattrChange{name: name, remove: true}))
}

// Setxattr implements gofuse.NodeSetxattrer.
func (d *dirNode) Setxattr(ctx context.Context, name string, value []byte, flags uint32) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	return d.fsys.answer("setxattr", d.key(), d.changeXattr(w, xattrChange{name, slices.Clone(value), flags, false}))
}

// Removexattr implements gofuse.NodeRemovexattrer.
func (d *dirNode) Removexattr(ctx context.Context, name string) syscall.Errno {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	return d.fsys.answer("removexattr", d.key(), d.changeXattr(w, xattrChange{name: name, remove: true}))
}

// xattrChange is what a program wants of one attribute.
type xattrChange struct {
	name   string
	value  []byte
	flags  uint32 // XATTR_CREATE, XATTR_REPLACE
	remove bool
}

// allowed reports whether the attribute is one that can be changed at all.
func (c xattrChange) allowed(f *FileSystem) error {
	switch {
	case f.cfg.ReadOnly:
		return uploader.ErrDraining
	case strings.HasPrefix(c.name, xattrPrefix):
		return errForbidden
	case !strings.HasPrefix(c.name, userPrefix), f.cfg.Metadata == MetadataNone:
		return errUnsupported
	}
	return nil
}

// apply returns the attributes after the change. meta is the other metadata that
// the object will carry, with which it must be within the store's limits, whatever
// the others will be.
func (c xattrChange) apply(a attributes, meta map[string]string, p *objstore.Profile) (attributes, error) {
	x := decodeXattrs(a.xattrs)
	_, there := x[c.name]
	switch {
	case !there && (c.remove || c.flags&unix.XATTR_REPLACE != 0):
		return a, errNoAttribute
	case there && c.flags&unix.XATTR_CREATE != 0:
		return a, errExists
	case c.remove:
		delete(x, c.name)
	default:
		if x == nil {
			x = xattrs{}
		}
		x[c.name] = c.value
	}
	a.xattrs, a.known = x.encode(), a.known|knownXattrs
	if err := p.CheckOptions(&objstore.ObjectOptions{Metadata: a.longest(meta)}); err != nil && !c.remove {
		return a, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return a, nil
}

func (n *fileNode) changeXattr(ctx *wait, c xattrChange) error {
	f := n.fsys
	if err := c.allowed(f); err != nil {
		return err
	}
	n.awaitFailed(ctx)
	if err := n.ask(ctx); err != nil {
		return err
	}
	meta := f.cfg.Options(n.key()).Metadata
	n.mu.Lock()
	if n.full != nil {
		meta = n.full.Metadata
	}
	now, _ := n.wishedLocked()
	attr, err := c.apply(now, meta, f.cfg.Store.Profile())
	if err == nil && n.replaced {
		err = errStale
	}
	if err != nil || n.deleted {
		n.mu.Unlock()
		return err
	}
	n.attr, n.changed = attr, f.cfg.Now()
	alone := n.travelLocked(false)
	n.mu.Unlock()
	if alone {
		f.pending.add(n)
	}
	return nil
}

func (d *dirNode) changeXattr(ctx *wait, c xattrChange) error {
	f := d.fsys
	if err := c.allowed(f); err != nil {
		return err
	}
	if err := d.ask(ctx); err != nil {
		return err
	}
	if d == f.root {
		return errUnsupported // it has no marker
	}
	meta := f.cfg.Options(d.key()).Metadata
	d.mu.Lock()
	now, _ := d.wishedLocked()
	attr, err := c.apply(now, meta, f.cfg.Store.Profile())
	if err == nil {
		d.attr, d.changed, d.pending = attr, f.cfg.Now(), true
	}
	d.mu.Unlock()
	if err == nil {
		f.pending.add(d)
	}
	return err
}
