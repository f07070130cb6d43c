package fs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

var (
	_ gofuse.FileReader   = (*readHandle)(nil)
	_ gofuse.FileReleaser = (*readHandle)(nil)
	_ gofuse.FileFlusher  = (*readHandle)(nil)
	_ gofuse.FileFsyncer  = (*readHandle)(nil)
)

// readHandle is a file opened read-only.
type readHandle struct {
	node     *fileNode
	snapshot snapshot
	closing  bool // one of its descriptors was closed; guarded by node.mu
}

// snapshot reads one content of a node, as the cache has it or fetches it.
type snapshot struct {
	mu     sync.Mutex
	reader *cache.Reader
	key    string // of what reader reads
	etag   string
}

// Read implements gofuse.FileReader.
func (h *readHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return h.node.read(ctx, &h.snapshot, dest, off)
}

// read reads what the node's file holds now: from the file under write while that
// may be ahead of the stored object, else from the object.
func (n *fileNode) read(ctx context.Context, s *snapshot, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	result, err := n.readPlaced(w, func() (fuse.ReadResult, error) { return n.readNow(w, s, dest, off) })
	if err != nil {
		if errors.Is(err, cache.ErrDamaged) { // the kernel has pages of it
			n.mu.Lock()
			n.spoiled = true // the next open does not wait for the notification
			n.mu.Unlock()
			n.fsys.background.Go(func() { n.NotifyContent(0, 0) })
		}
		return nil, n.refuse("read", n.staleIfReplaced(err))
	}
	return result, 0
}

// readNow reads from where the node's content is at present.
func (n *fileNode) readNow(ctx context.Context, s *snapshot, dest []byte, off int64) (fuse.ReadResult, error) {
	n.mu.Lock()
	under := n.writing
	n.mu.Unlock()
	if under == nil || !under.ahead.Load() && !under.file.Dirty() {
		return s.read(ctx, n, dest, off)
	}
	count, err := under.file.ReadAt(ctx, dest, off)
	if errors.Is(err, uploader.ErrClosed) { // everything is stored, and its time under write ends
		select {
		case <-under.ended:
			return n.readNow(ctx, s, dest, off)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return fuse.ReadResultData(dest[:count]), err
}

// readPlaced reads, and again where the object that was read from has made room for
// a copy of itself, by a rename, say, or by new metadata: a copy may have another
// ETag, and the node knows of it when who makes it leaves the gate. Or its name showed
// what was sent of the next one for a while.
func (n *fileNode) readPlaced(ctx context.Context, read func() (fuse.ReadResult, error)) (fuse.ReadResult, error) {
	for {
		was := n.place()
		result, err := read()
		if !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrNotFound) {
			return result, err
		}
		ended := n.operation.enter(ctx)
		if ended == nil {
			n.operation.leave()
			ended = n.settle(ctx)
		}
		if ended != nil {
			return nil, ended // it is not known whose doing it was
		}
		if n.place() == was {
			return result, err // it was somebody else
		}
	}
}

// place is where the stored content of a node is. detours says how often the uploader had
// something else there.
type place struct {
	key, etag string
	detours   uint64
}

func (n *fileNode) place() place {
	key := n.key()
	n.mu.Lock()
	defer n.mu.Unlock()
	info := n.infoLocked(key)
	p := place{key: info.Key, etag: info.ETag}
	if n.writing != nil {
		p.detours = n.writing.file.Detours()
	}
	return p
}

// settle waits until the uploader has put back what it had to replace for a while.
func (n *fileNode) settle(ctx context.Context) error {
	n.mu.Lock()
	w := n.writing
	n.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.file.Settle(ctx)
}

// refuse is answer for those who read. Of an archived object the log has one line:
// programs, and the kernel that reads ahead, ask again and again.
func (n *fileNode) refuse(op string, err error) syscall.Errno {
	if errors.Is(err, objstore.ErrArchived) {
		n.mu.Lock()
		told := n.archived
		n.archived = true
		n.mu.Unlock()
		if told {
			return errnoOf(err)
		}
		err = fmt.Errorf("the object has to be restored before it can be read: %w", err)
	}
	return n.fsys.answer(op, n.key(), err)
}

// read reads the node's object.
func (s *snapshot) read(ctx context.Context, n *fileNode, dest []byte, off int64) (fuse.ReadResult, error) {
	key := n.key()
	n.mu.Lock()
	info, stored := n.infoLocked(key), n.object.stored
	n.mu.Unlock()
	if !stored || off >= info.Size {
		return fuse.ReadResultData(nil), nil
	}
	reader := s.open(n.fsys.cfg.Cache, info)
	loan, err := reader.Lend(ctx, dest[:min(int64(len(dest)), info.Size-off)], off)
	if err != nil {
		loan.Return()
		return nil, err
	}
	return lent{loan}, nil
}

// open returns the reader of an object, which is another one than before when
// this mount has stored the file anew or renamed it.
func (s *snapshot) open(c *cache.Cache, info objstore.Info) *cache.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil || s.key != info.Key || s.etag != info.ETag {
		s.closeLocked()
		s.reader, s.key, s.etag = c.Open(info), info.Key, info.ETag
	}
	return s.reader
}

func (s *snapshot) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *snapshot) closeLocked() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
}

// staleIfReplaced is the outcome of a read: an object that is gone, or another one, makes
// the node stale.
func (n *fileNode) staleIfReplaced(err error) error {
	if !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrNotFound) {
		return err
	}
	n.stale()
	return errors.Join(errStale, err)
}

// stale is called when a read found that somebody else replaced the object: who
// opens the name from now on gets what is there.
func (n *fileNode) stale() {
	t := &n.fsys.nodes
	t.mu.RLock()
	d, name, key := n.parent, n.name, keyLocked(n)
	t.mu.RUnlock()
	if d == nil {
		return
	}
	n.fsys.cfg.Cache.Invalidate(key)
	n.fsys.background.Go(func() { d.NotifyEntry(name) })
}

// Flush implements gofuse.FileFlusher: there is nothing to store.
func (h *readHandle) Flush(context.Context) syscall.Errno {
	h.closed()
	return 0
}

// Fsync implements gofuse.FileFsyncer: any descriptor of a file will do.
func (h *readHandle) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	return h.node.sync(ctx)
}

// Release implements gofuse.FileReleaser.
func (h *readHandle) Release(context.Context) syscall.Errno {
	h.node.mu.Lock()
	h.node.asking--
	h.node.mu.Unlock()
	h.release()
	return 0
}

// release is what the end of all handles has in common.
func (h *readHandle) release() {
	n := h.node
	h.snapshot.close()
	n.mu.Lock()
	h.endLocked()
	last := n.readers == 0 && n.deleted && n.writing != nil
	n.mu.Unlock()
	if last {
		n.endKept()
	}
	n.dropHidden()
}

// keptForReaders reports that what was written is to stay after the last writer
// closed: the file was deleted, so it is nowhere else, and it is open for reading.
func (n *fileNode) keptForReaders() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.deleted && n.readers > 0
}

// endKept ends the file's time under write where it was kept for readers only.
func (n *fileNode) endKept() {
	if err := n.operation.enter(n.fsys.ctx); err != nil {
		n.fsys.answer("release", n.key(), err)
		return
	}
	n.mu.Lock()
	w := n.writing
	n.mu.Unlock()
	if w != nil && w.handles == 0 {
		n.endWriting(n.fsys.ctx, w)
	}
	n.operation.leave()
	n.fsys.nodes.unneeded(n)
}
