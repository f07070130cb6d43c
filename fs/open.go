package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// openAnswer lets the kernel keep the pages it has: a node stands for one content, so
// they cannot be wrong, unless somebody has read bytes since that were damaged on
// their way.
func (n *fileNode) openAnswer() uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spoiled {
		n.spoiled = false
		return 0
	}
	return fuse.FOPEN_KEEP_CACHE
}

// Open implements gofuse.NodeOpener.
func (n *fileNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	w, stop := n.fsys.waiting(ctx)
	defer stop()
	var h gofuse.FileHandle
	var err error
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY && flags&syscall.O_TRUNC == 0 {
		h, err = n.openRead(w)
	} else {
		h, err = n.openWrite(w, flags)
	}
	if err = n.byName(w, err); err != nil {
		return nil, 0, n.refuse("open", err)
	}
	return h, n.openAnswer(), 0
}

// byName is the outcome of an operation that began with the file's name. If the file has
// lost it since, the kernel looks it up once more.
func (n *fileNode) byName(ctx *wait, err error) error {
	r := returner{n.key(), ctx.caller.Pid}
	if !errors.Is(err, errStale) && !errors.Is(err, errLookAgain) {
		n.fsys.comebacks.came(r)
		return err
	}
	n.fsys.comebacks.expect(r)
	return errors.Join(errLookAgain, err)
}

func (n *fileNode) openRead(ctx *wait) (gofuse.FileHandle, error) {
	n.awaitFailed(ctx)
	if err := n.ask(ctx); err != nil {
		return nil, err
	}
	file, key := n.wholeFile(), n.key()
	unlock, err := n.lockToOpen(ctx)
	if err == nil {
		defer unlock()
		err = n.readableLocked()
	}
	if err == nil && n.takeBackingLocked(file) {
		n.readers++
		return &localHandle{readHandle{node: n}}, nil
	}
	if file != nil {
		file.Close()
	}
	if err != nil {
		return nil, err
	}
	n.readers++
	n.asking++
	h := &readHandle{node: n}
	if !n.wasRead && n.writing == nil && n.object.etag != "" && n.object.size <= cache.SmallFile {
		h.snapshot.open(n.fsys.cfg.Cache, n.infoLocked(key)).Prefetch(ctx)
	}
	n.wasRead = true
	return h, nil
}

// lockToOpen locks the node. Whoever is deleting or replacing the file finishes before
// that, and nobody begins: the content is kept for those who have it open by then, and
// for nobody else. As long as they do it can be opened again.
func (n *fileNode) lockToOpen(ctx context.Context) (unlock func(), err error) {
	n.mu.Lock()
	if !n.leaving && !n.deleted {
		return n.mu.Unlock, nil
	}
	n.mu.Unlock()
	if err := n.operation.enter(ctx); err != nil {
		return nil, err
	}
	n.mu.Lock()
	unlock = func() {
		n.mu.Unlock()
		n.operation.leave()
	}
	if open := n.readers > 0 || n.writing != nil && n.writing.handles > 0; n.deleted && !open {
		unlock()
		return nil, errStale // the kernel looks the name up again
	}
	return unlock, nil
}

// readableLocked says why the node cannot be opened for reading.
func (n *fileNode) readableLocked() error {
	switch {
	case n.replaced:
		return errStale
	case n.full != nil && n.full.Restore:
		return objstore.ErrArchived
	}
	return nil
}

func (n *fileNode) openWrite(ctx *wait, flags uint32) (*writeHandle, error) {
	if n.fsys.cfg.ReadOnly {
		return nil, uploader.ErrDraining
	}
	// Who writes into a file needs none of its metadata: the commit takes it over.
	if flags&syscall.O_TRUNC != 0 || !n.plain() {
		if err := n.ask(ctx); err != nil {
			return nil, err
		}
	}
	n.awaitFailed(ctx)
	if err := n.operation.enter(ctx); err != nil {
		return nil, err
	}
	defer n.operation.leave()
	if err := n.land(ctx); err != nil { // what was closed does not depend on who writes next
		return nil, err
	}
	key := n.key()
	n.mu.Lock()
	stale, under := n.replaced || n.deleted, n.writing
	options := n.openOptionsLocked(key, flags)
	n.mu.Unlock()
	if stale {
		return nil, errStale
	}
	if under == nil && n.fsys.cfg.Uploader.Draining() {
		return nil, uploader.ErrDraining
	}
	if under != nil {
		if err := under.file.Err(); err != nil {
			return nil, err
		}
		if flags&syscall.O_TRUNC != 0 {
			if err := under.empty(ctx); err != nil {
				return nil, err
			}
		}
	}
	w := n.startWriting(key, options)
	return newWriteHandle(w, ctx.caller, flags), nil
}

// releaseTime is how long one waits for a failed file to be released.
const releaseTime = time.Second

// awaitFailed lets the node of a file go that failed, or whose writer was killed, and that nobody
// has open any more. The
// kernel sends the last RELEASE when it likes, after close has returned its error, and
// who tries again at once must not meet the failure of the first attempt, nor who only
// reads be told of it, nor an attribute that somebody sets then be lost with it. If none
// comes, somebody still has the file open, and they share the failure.
func (n *fileNode) awaitFailed(ctx context.Context) {
	n.mu.Lock()
	w := n.writing
	n.mu.Unlock()
	if w == nil || w.file.Err() == nil && !w.killed.Load() {
		return
	}
	timer := time.NewTimer(releaseTime)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// plain reports that the node must be a regular file, whatever its metadata says.
func (n *fileNode) plain() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.object.size > longestTarget
}

// openOptionsLocked says how the uploader begins with the node's object. node.mu
// is held, and the operation gate.
func (n *fileNode) openOptionsLocked(key string, flags uint32) uploader.OpenOptions {
	o := uploader.OpenOptions{Guard: objstore.Condition{ETag: n.object.etag}}
	if !n.object.stored {
		o.Guard = objstore.Condition{Absent: true}
	}
	info := n.infoLocked(key)
	if flags&syscall.O_TRUNC == 0 && n.object.stored {
		o.Base = &info
		return o
	}
	o.Options = n.fsys.newOptions(key, n.fsys.had(info), n.attr)
	return o
}
