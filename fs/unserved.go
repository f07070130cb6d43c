package fs

import (
	"context"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
)

// The kernel has a way of its own for what is answered with ENOSYS, and does not
// ask again in the life of the mount.

// Lseek implements gofuse.NodeLseeker, for SEEK_DATA and SEEK_HOLE. The kernel
// then takes the whole file for data, by the size that it knows: with its
// write-back cache we may not have been told of the last bytes yet.
func (n *fileNode) Lseek(context.Context, gofuse.FileHandle, uint64, uint32) (uint64, syscall.Errno) {
	return 0, notServed
}

// CopyFileRange implements gofuse.NodeCopyFileRanger. The kernel then copies
// through its pages, as if the program had read and written.
func (n *fileNode) CopyFileRange(context.Context, gofuse.FileHandle, uint64, *gofuse.Inode, gofuse.FileHandle, uint64, uint64, uint64) (uint32, syscall.Errno) {
	return 0, notServed
}
