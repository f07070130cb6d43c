package fs

import (
	"context"
	"os"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
)

// backing is a file of the disk cache that stands behind a node: the kernel reads it
// by itself (FUSE passthrough). The kernel wants all handles of an inode to be of
// one kind at any time, so a node has one while the first handle that was opened
// with it, or any later one, is open; and none is taken while there are others.
// What was released may still count here, but never the other way round.
type backing struct {
	file  *os.File
	users int
}

// localHandle is a readHandle that the kernel reads by itself, if it can.
type localHandle struct{ readHandle }

var _ gofuse.FilePassthroughFder = (*localHandle)(nil)

// PassthroughFd implements gofuse.FilePassthroughFder. go-fuse asks while it opens
// the handle, so the file is open.
func (h *localHandle) PassthroughFd() (int, bool) {
	n := h.node
	n.mu.Lock()
	defer n.mu.Unlock()
	return int(n.backing.file.Fd()), true
}

// wholeFile returns the node's object as a file of the disk cache, if there is
// one and nobody can write to the node.
func (n *fileNode) wholeFile() *os.File {
	if !n.fsys.cfg.ReadOnly {
		return nil
	}
	key := n.key()
	n.mu.Lock()
	info := n.infoLocked(key)
	n.mu.Unlock()
	if info.ETag == "" || info.Size == 0 {
		return nil
	}
	r := n.fsys.cfg.Cache.Open(info)
	defer r.Close()
	file, _ := r.File()
	return file
}

// takeBackingLocked reports that a new handle is to be one of those that the kernel
// reads by itself. file, which may be nil, is then the node's to close.
func (n *fileNode) takeBackingLocked(file *os.File) bool {
	switch {
	case n.backing != nil:
		n.backing.users++
		if file != nil {
			file.Close()
		}
	case file != nil && n.asking == 0:
		n.backing = &backing{file: file, users: 1}
	default:
		return false
	}
	return true
}

// Release implements gofuse.FileReleaser.
func (h *localHandle) Release(context.Context) syscall.Errno {
	n := h.node
	n.mu.Lock()
	if n.backing.users--; n.backing.users == 0 {
		n.backing.file.Close()
		n.backing = nil
	}
	n.mu.Unlock()
	h.release()
	return 0
}
