package main

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// nullCommand makes this program serve a file system that forgets, in a process of
// its own, as every other is.
const nullCommand = "serve-null"

// nullRoot is a directory of files that forget what is written to them, but for
// one copy of it, which a real mount cannot save either.
type nullRoot struct{ gofuse.Inode }

type nullFile struct {
	gofuse.Inode
	size atomic.Int64
}

type nullHandle struct {
	f   *nullFile
	buf [8 << 20]byte
}

// Create implements gofuse.NodeCreater.
func (r *nullRoot) Create(ctx context.Context, _ string, _, _ uint32, _ *fuse.EntryOut) (*gofuse.Inode, gofuse.FileHandle, uint32, syscall.Errno) {
	f := &nullFile{}
	return r.NewInode(ctx, f, gofuse.StableAttr{Mode: syscall.S_IFREG}), &nullHandle{f: f}, 0, 0
}

// Getattr implements gofuse.NodeGetattrer.
func (f *nullFile) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = syscall.S_IFREG|0o644, uint64(f.size.Load())
	return 0
}

// Setattr implements gofuse.NodeSetattrer.
func (f *nullFile) Setattr(ctx context.Context, h gofuse.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

// Write implements gofuse.FileWriter.
func (h *nullHandle) Write(_ context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	copy(h.buf[off%int64(len(h.buf)):], data)
	for end := off + int64(len(data)); ; {
		old := h.f.size.Load()
		if old >= end || h.f.size.CompareAndSwap(old, end) {
			return uint32(len(data)), 0
		}
	}
}

// serveNull mounts and returns when the mount is gone. It agrees with the kernel on
// what sluicefs agrees on.
func serveNull(dir string) error {
	minute := time.Minute
	o := &gofuse.Options{AttrTimeout: &minute, EntryTimeout: &minute}
	o.FsName, o.MaxWrite, o.ExplicitDataCacheControl = null, 1<<20, true
	o.DirectMount = os.Geteuid() == 0 // else with fusermount3
	o.ExtraCapabilities = fuse.CAP_WRITEBACK_CACHE | fuse.CAP_HANDLE_KILLPRIV_V2
	server, err := gofuse.Mount(dir, &nullRoot{}, o)
	if err != nil {
		return err
	}
	server.Wait()
	return nil
}
