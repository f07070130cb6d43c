package fs

import (
	"context"
	"syscall"
)

// Flush implements gofuse.FileFlusher: it is sent for every close of every
// descriptor, and what it returns is what close returns.
func (h *writeHandle) Flush(ctx context.Context) syscall.Errno {
	n := h.node
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := h.enterToFlush(w); err != nil {
		return n.fsys.answer("flush", n.key(), err)
	}
	defer n.operation.leave()
	return h.answer("flush", h.flush(w, w.caller.Pid))
}

// enterToFlush takes the operation gate. Who only reads is not told of a failure of those
// who write, if they have closed the file and only their RELEASE is missing.
func (h *writeHandle) enterToFlush(ctx context.Context) error {
	n := h.node
	if err := n.operation.enter(ctx); err != nil {
		return err
	}
	if h.access != syscall.O_RDONLY || h.writers == 0 || h.file.Err() == nil {
		return nil
	}
	n.operation.leave()
	n.awaitFailed(ctx)
	return n.operation.enter(ctx)
}

func (h *writeHandle) flush(ctx context.Context, tid uint32) error {
	n := h.node
	if !h.flushed {
		h.flushed = true
		h.writing.flushed++
	}
	if !n.isUnder(h.writing) {
		return nil // it failed, who wrote it was told, and this is one who only reads
	}
	if err := h.file.Err(); err != nil {
		return err
	}
	if !h.file.Dirty() {
		return nil
	}
	if h.parked != nil {
		return nil // it was closed before
	}
	if n.fsys.procs.killed(tid) && n.fsys.cfg.OnWriterKilled == KilledAbort {
		h.killed.Store(true)
		return nil // nobody is there to read it; the last release decides
	}
	if n.fsys.procs.starting(tid, h.opener) {
		return nil // the descriptor that was written through is still open
	}
	h.killed.Store(false)
	if h.blank.Load() && !h.lastClose(tid) {
		return nil
	}
	if h.park() {
		return nil
	}
	return n.commit(ctx, h.writing)
}

// lastClose reports that nobody will write to the file any more, so that an empty
// one can be stored. Shells close a copy of the descriptor before they write, and
// storing an empty object then would be a request in vain. A wrong yes costs such
// a request; a wrong no defers the request to the release of the file. Of those who have
// closed it before, the RELEASE may still be on its way.
func (h *writeHandle) lastClose(tid uint32) bool {
	procs := h.node.fsys.procs
	return h.handles == h.writing.flushed && procs.same(tid, h.opener) && procs.lastDescriptor(tid, h.node.StableAttr().Ino)
}

// Fsync implements gofuse.FileFsyncer.
func (h *writeHandle) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	return h.node.sync(ctx)
}

// sync stores everything about the file, and leaves it open for more.
func (n *fileNode) sync(ctx context.Context) syscall.Errno {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	if err := n.operation.enter(w); err != nil {
		return n.fsys.answer("fsync", n.key(), err)
	}
	defer n.operation.leave()
	n.mu.Lock()
	under := n.writing
	n.mu.Unlock()
	err := n.store(w)
	if under != nil {
		return under.answer("fsync", err)
	}
	return n.fsys.answer("fsync", n.key(), err)
}

// store commits what was written and the attributes. The operation gate is held.
func (n *fileNode) store(ctx context.Context) error {
	if err := n.land(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	under := n.writing
	n.mu.Unlock()
	if under != nil {
		if err := under.file.Err(); err != nil {
			return err
		}
		if under.file.Dirty() {
			under.killed.Store(false)
			if err := n.commit(ctx, under); err != nil {
				n.endIdle(under) // where only those have it open who read
				return err
			}
		}
	}
	return n.storeMetadata(ctx)
}
