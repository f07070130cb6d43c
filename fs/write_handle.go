package fs

import (
	"context"
	"errors"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/sirupsen/logrus"
)

var (
	_ gofuse.FileReader    = (*writeHandle)(nil)
	_ gofuse.FileWriter    = (*writeHandle)(nil)
	_ gofuse.FileFlusher   = (*writeHandle)(nil)
	_ gofuse.FileFsyncer   = (*writeHandle)(nil)
	_ gofuse.FileReleaser  = (*writeHandle)(nil)
	_ gofuse.FileAllocater = (*writeHandle)(nil)
)

// writeHandle is a file opened for writing, or made or emptied by who opened it for
// reading. What was written belongs to the node: the kernel may send anybody's pages
// through any handle that can write.
type writeHandle struct {
	*writing
	opener    uint32 // thread
	synced    bool   // O_SYNC or O_DSYNC
	access    uint32 // O_RDONLY, O_WRONLY or O_RDWR
	temporary string // its key, where rsync made the file and will give it another; else ""
	flushed   bool   // a descriptor of it was closed
	snapshot  snapshot
}

// newWriteHandle makes the handle that startWriting has counted. The operation gate is
// held, or nobody knows of the node yet.
func newWriteHandle(w *writing, opener fuse.Caller, flags uint32) *writeHandle {
	h := &writeHandle{
		writing: w,
		opener:  opener.Pid,
		synced:  flags&syscall.O_DSYNC != 0, // O_SYNC has its bits, too
		access:  flags & syscall.O_ACCMODE,
	}
	if h.access != syscall.O_RDONLY {
		w.writers++
	}
	return h
}

// Read implements gofuse.FileReader. The kernel also reads through handles that
// are write-only: the rest of a page that is written in part.
func (h *writeHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if h.access != syscall.O_WRONLY {
		return h.node.read(ctx, &h.snapshot, dest, off)
	}
	w, stop := h.node.fsys.waiting(ctx)
	defer stop()
	result, err := h.node.readPlaced(w, func() (fuse.ReadResult, error) {
		n, err := h.file.ReadAt(w, dest, off)
		return fuse.ReadResultData(dest[:n]), err
	})
	if err != nil {
		return nil, h.answer("read", err)
	}
	return result, 0
}

// Write implements gofuse.FileWriter.
func (h *writeHandle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	n := h.node
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	h.changing()
	count, err := h.file.WriteAt(w, data, off)
	h.changed()
	if err != nil {
		return 0, h.answer("write", h.fail(err))
	}
	n.written()
	// With the write-back cache the kernel sends an FSYNC of its own.
	if h.synced && n.fsys.cfg.WriteThrough {
		if errno := n.sync(ctx); errno != 0 {
			return 0, errno
		}
	}
	return uint32(count), 0
}

// fail makes a failed write the end of the file's time under write: a part of
// what was written is missing, and no later close may store the rest. A wait
// that its caller ended is no failure of the file.
func (w *writing) fail(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	w.file.Discard(err) // keeps an earlier failure
	return err
}

// answer is the answer to a program that has the file open. The failure of the file, which
// everybody is told who goes on with it, is one line of the log, and not one for each write.
func (w *writing) answer(op string, err error) syscall.Errno {
	f, key := w.node.fsys, w.node.key()
	if own := w.file.Err(); err != nil && own != nil && errors.Is(err, own) && w.logged.Swap(true) {
		return f.answerAt(logrus.DebugLevel, op, key, err)
	}
	return f.answer(op, key, err)
}

// changing is called before every change of the content.
func (w *writing) changing() {
	w.ahead.Store(true)
	w.blank.Store(false)
	w.killed.Store(false)
}

// changed is called after every change of the content: who emptied the file meanwhile did
// not know of it.
func (w *writing) changed() { w.blank.Store(false) }

// truncate sets the size. One that cannot be is refused, and nothing has happened.
func (w *writing) truncate(ctx context.Context, size int64) error {
	if err := w.file.Allows(size); err != nil {
		return err
	}
	w.changing()
	defer w.changed()
	if err := w.file.Truncate(ctx, size); err != nil {
		return w.fail(err)
	}
	return nil
}

// empty is what open does with O_TRUNC. The file is blank before it is empty, so that a write
// that comes meanwhile can say otherwise. The operation gate is held, which keeps closes away.
func (w *writing) empty(ctx context.Context) error {
	w.changing()
	w.blank.Store(true)
	if err := w.file.Truncate(ctx, 0); err != nil {
		w.changed()
		return w.fail(err)
	}
	return nil
}

// Release implements gofuse.FileReleaser. Its result reaches nobody.
func (h *writeHandle) Release(context.Context) syscall.Errno {
	n := h.node
	h.snapshot.close()
	if err := n.operation.enter(n.fsys.ctx); err != nil {
		return n.fsys.answer("release", n.key(), err)
	}
	h.handles--
	if h.access != syscall.O_RDONLY {
		h.writers--
	}
	if h.flushed {
		h.writing.flushed--
	}
	n.endIdle(h.writing)
	n.operation.leave()
	n.dropHidden()
	n.fsys.nodes.unneeded(n)
	return 0
}
