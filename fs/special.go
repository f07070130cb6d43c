package fs

import (
	"bytes"
	"context"
	"fmt"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Mknod implements gofuse.NodeMknoder. No close follows that could store the
// file, so it is stored here, also a regular one.
func (d *dirNode) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return d.special(ctx, "mknod", name, mode, dev, "", out)
}

// Symlink implements gofuse.NodeSymlinker.
func (d *dirNode) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return d.special(ctx, "symlink", name, fuse.S_IFLNK|0o777, 0, target, out)
}

// Link implements gofuse.NodeLinker: an object has one name. EPERM is what
// link(2) has for file systems without hard links.
func (d *dirNode) Link(_ context.Context, _ gofuse.InodeEmbedder, name string, _ *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return nil, d.fsys.answer("link", d.key()+name, errForbidden)
}

// special makes an object whose metadata says what kind of file it is.
func (d *dirNode) special(ctx context.Context, op, name string, mode, dev uint32, body string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	f := d.fsys
	w, stop := f.waiting(ctx)
	defer stop()
	leave, err := f.nodes.stay(w, d)
	if err != nil {
		return nil, f.answer(op, d.key()+name, err)
	}
	defer leave()
	n, err := d.makeSpecial(w, name, mode, dev, body)
	if err != nil {
		return nil, f.answer(op, d.key()+name, err)
	}
	inode := d.attach(name, n, mode&syscall.S_IFMT)
	d.touch()
	n.fill(&out.Attr)
	f.entry(out)
	return inode, 0
}

func (d *dirNode) makeSpecial(w *wait, name string, mode, dev uint32, body string) (*fileNode, error) {
	f := d.fsys
	key, err := d.newKey(w, name)
	if err != nil {
		return nil, err
	}
	if f.cfg.Metadata == MetadataNone && mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, fmt.Errorf("%w: --metadata=none has no place for the type of a file", errForbidden)
	}
	if err := d.absent(w, name); err != nil {
		return nil, err
	}
	n := d.newFile(key, w.caller, mode)
	if kind := mode & syscall.S_IFMT; kind == syscall.S_IFCHR || kind == syscall.S_IFBLK {
		n.attr.rdev, n.attr.known = dev, n.attr.known|knownRdev
	}
	guard := objstore.Condition{Absent: true}
	profile := f.cfg.Store.Profile()
	if profile.CheckPut(guard) != nil {
		guard = objstore.Condition{}
	}
	o := f.smallOptions(key, n.attr)
	info, err := f.putNew(w, key, objstore.Body{
		Reader: bytes.NewReader([]byte(body)),
		Size:   int64(len(body)),
		Digest: objstore.SumOf(profile.Digest, []byte(body)),
	}, objstore.PutOptions{ObjectOptions: o, Condition: guard})
	if err != nil {
		return nil, err
	}
	n.object, n.full = objectOf(info), &info
	f.cfg.Cache.Publish(info)
	return n, nil
}

// longestTarget is the longest target of a symlink, PATH_MAX. A larger object is a
// regular file.
const longestTarget = 4096

// Readlink implements gofuse.NodeReadlinker. The kernel keeps the answer for as
// long as it knows the node, which never points elsewhere.
func (n *fileNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	var s snapshot
	defer s.close()
	target := make([]byte, longestTarget)
	result, err := n.readPlaced(w, func() (fuse.ReadResult, error) { return s.read(w, n, target, 0) })
	if err = n.byName(w, n.staleIfReplaced(err)); err != nil {
		return nil, n.fsys.answer("readlink", n.key(), err)
	}
	defer result.Done()
	text, _ := result.Bytes(target)
	return text, 0
}
