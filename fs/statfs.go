package fs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// A bucket has no size. These numbers are large enough for every installer and
// small enough for every program that counts bytes in 63 bits.
const (
	statfsBlocks = 1 << 38 // of 4 KiB: 1 PiB
	statfsFiles  = 1 << 32
	longestName  = 255 // bytes
)

// Statfs implements gofuse.NodeStatfser.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize = blockSize, blockSize
	out.Blocks, out.Bfree, out.Bavail = statfsBlocks, statfsBlocks, statfsBlocks
	out.Files, out.Ffree = statfsFiles, statfsFiles
	out.NameLen = longestName
	if n := n.fsys.cfg.Store.Profile().Key.MaxSegment; n > 0 {
		out.NameLen = min(out.NameLen, uint32(n))
	}
	return 0
}
