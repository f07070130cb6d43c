package fs

import (
	"context"
	"syscall"

	"golang.org/x/sys/unix"
)

// Allocate implements gofuse.FileAllocater. There is no space to reserve, and
// none that could be missing later. What is left of fallocate(2) is its effect on
// the size and on the bytes.
func (h *writeHandle) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	w, stop := h.node.fsys.waiting(ctx)
	defer stop()
	return h.node.fsys.answer("fallocate", h.node.key(), h.allocate(w, int64(off), int64(size), mode))
}

func (h *writeHandle) allocate(ctx context.Context, off, size int64, mode uint32) error {
	const zeroing = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_ZERO_RANGE
	if mode&^(zeroing|unix.FALLOC_FL_KEEP_SIZE) != 0 {
		return errUnsupported
	}
	grows := mode&unix.FALLOC_FL_KEEP_SIZE == 0
	if grows {
		if err := h.file.Allows(off + size); err != nil {
			return err
		}
	}
	if mode&zeroing != 0 {
		h.changing()
		err := h.file.Punch(ctx, off, size)
		h.changed()
		if err != nil {
			return h.fail(err)
		}
	}
	if !grows || off+size <= h.file.Size() {
		return nil
	}
	h.changing()
	err := h.file.Extend(ctx, off+size) // pages may come meanwhile
	h.changed()
	if err != nil {
		return h.fail(err)
	}
	return nil
}
