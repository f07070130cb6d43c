package fs

import (
	"context"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Mkdir implements gofuse.NodeMkdirer.
func (d *dirNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	w, stop := d.fsys.waiting(ctx)
	defer stop()
	sub, err := d.mkdir(w, name, mode, w.caller)
	if err != nil {
		return nil, d.fsys.answer("mkdir", d.key()+name, err)
	}
	return d.fsys.reply(sub, out), 0
}

func (d *dirNode) mkdir(ctx context.Context, name string, mode uint32, caller fuse.Caller) (*dirNode, error) {
	f := d.fsys
	leave, err := f.nodes.stay(ctx, d)
	if err != nil {
		return nil, err
	}
	defer leave()
	key, err := d.newKey(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := d.absent(ctx, name); err != nil {
		return nil, err
	}
	sub := newDir(f)
	if f.cfg.Metadata == MetadataPosix {
		sub.attr = attributes{
			known: knownMode | knownUID | knownGID | knownMtime,
			mode:  mode&0o7777 | fuse.S_IFDIR | d.setgid(), uid: caller.Uid, gid: d.groupOf(caller), mtime: f.cfg.Now(),
		}
	}
	guard := objstore.Condition{Absent: true}
	if f.cfg.Store.Profile().CheckPut(guard) != nil {
		guard = objstore.Condition{}
	}
	if err := f.putMarker(ctx, key+"/", sub, guard); err != nil {
		return nil, err
	}
	d.attach(name, sub, fuse.S_IFDIR)
	d.touch()
	return sub, nil
}
