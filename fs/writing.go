package fs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// writing is what a node has while it is open for writing: from the first open
// to the last release.
type writing struct {
	node  *fileNode
	file  *uploader.File
	ended chan struct{} // closed when the node is not under write any more

	// Guarded by the node's operation gate.
	handles int
	writers int     // those of the handles that can write: who made or emptied the file need not
	flushed int     // those that may be closed already: the kernel had nothing more to write through them
	key     string  // where the next commit goes
	covers  bool    // renamed over an object that the first commit replaces, and that nobody sees until then
	parked  *parked // nil unless it waits for its last name

	// blank says that nothing was written or truncated since the file was made or
	// emptied by open: `: > f` and `echo hi > f` look the same up to here.
	blank atomic.Bool
	// ahead says that the file may hold more than the node's object: from before
	// the first write to after the commit is known to the node.
	ahead atomic.Bool
	// killed says that a signal ended a process with the file open, and nobody
	// wrote since or closed it alive.
	killed atomic.Bool
	// logged says that the file's failure is in the log.
	logged atomic.Bool

	// Guarded by node.mu.
	explicit  bool        // somebody set attributes that the object does not carry
	given     attributes  // what the uploader was given last
	before    *attributes // those that the object was to carry before it came under write, and does not
	sizeAsked bool        // the kernel asked for the size while the metadata was not known
}

// openFiles knows every file under write of the mount, to settle what is left
// when the kernel has let go.
type openFiles struct {
	mu   sync.Mutex
	live map[*writing]struct{}
}

func (o *openFiles) add(w *writing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.live == nil {
		o.live = map[*writing]struct{}{}
	}
	o.live[w] = struct{}{}
}

func (o *openFiles) remove(w *writing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.live, w)
}

// settle ends the files whose RELEASE never came: the kernel throws the last
// ones away when it unmounts. And it ends those that somebody has open, where the kernel
// has given up the mount (umount -f): it failed what he wrote since, so that nothing of
// it is whole.
func (o *openFiles) settle(ctx context.Context, givenUp bool) {
	o.mu.Lock()
	var left []*writing
	for w := range o.live {
		left = append(left, w)
	}
	o.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range left {
		wg.Go(func() {
			if w.node.operation.enter(ctx) != nil {
				return
			}
			defer w.node.operation.leave()
			if w.isOpen(givenUp) && w.node.fsys.cfg.OnWriterKilled == KilledAbort {
				w.file.Discard(errGivenUp)
			}
			w.node.endWriting(ctx, w)
		})
	}
	wg.Wait()
}

// isOpen reports that the file holds something that is not stored, and that somebody has it
// open: a handle was never closed, or something was written after each was closed once, as by
// shells, and the mount was not taken away by an unmount, which nobody gets who has
// files open. The operation gate is held.
func (w *writing) isOpen(givenUp bool) bool {
	open := w.flushed < w.handles || givenUp && !w.blank.Load()
	return open && w.parked == nil && w.file.Dirty()
}

// startWriting puts the node under write, or joins those who write it, as one of its
// handles. The operation gate is held.
func (n *fileNode) startWriting(key string, o uploader.OpenOptions) *writing {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.writing
	if w == nil {
		attr, wished := n.wishedLocked()
		w = &writing{node: n, key: key, file: n.fsys.cfg.Uploader.Open(key, o), given: attr, ended: make(chan struct{})}
		if wished { // the object does not carry them yet
			w.explicit, w.given, w.before = true, attributes{}, &attr
		}
		n.writing = w
		n.fsys.open.add(w)
		if o.Base == nil {
			w.blank.Store(true)
			w.ahead.Store(true)
		} else {
			w.file.SetOptions(n.fsys.rewrites(key))
		}
	}
	w.handles++
	return w
}

// refresh learns the ETag that the node's object has now, if the uploader had to
// put it back in place. The operation gate is held.
func (n *fileNode) refresh() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.writing == nil || n.hidden != "" || !n.object.stored || n.deleted {
		return
	}
	etag := n.writing.file.Guard().ETag
	if etag == "" || etag == n.object.etag {
		return
	}
	n.object.etag = etag
	if n.full != nil {
		full := *n.full
		full.ETag = etag
		n.full = &full
	}
}

// commit stores what was written, and tells the node and the cache. The
// operation gate is held.
func (n *fileNode) commit(ctx context.Context, w *writing) error {
	defer w.unpark() // not before: who wants it stored waits for that
	n.mu.Lock()
	if n.full == nil && n.object.stored {
		w.given = attributes{} // what the object carries may have to be changed
	}
	w.giveLocked(n.attr)
	n.mu.Unlock()
	info, err := w.file.Commit(ctx)
	if err != nil {
		return w.fail(err)
	}
	n.installed(w, info)
	return nil
}

// installed makes the object that a commit stored the node's own.
func (n *fileNode) installed(w *writing, info objstore.Info) {
	n.mu.Lock()
	if n.deleted {
		n.mu.Unlock()
		return
	}
	n.object, n.hidden = objectOf(info), ""
	w.covers = false
	n.wasRead = true // the kernel has what it wrote: nobody who opens it needs it fetched
	n.full = &info
	told, _ := n.fsys.attributesOf(info, n.attr.mode&syscall.S_IFMT)
	n.carried = told.mtime
	n.attr = n.attr.over(told)
	n.pending = w.explicit && !w.file.OptionsStored()
	w.explicit, w.before, n.failed = n.pending, nil, nil
	pending := n.pending
	if !w.file.Dirty() {
		w.ahead.Store(false)
	}
	n.mu.Unlock()
	n.fsys.cfg.Cache.Publish(info)
	n.fsys.nodes.stored(n) // when listings show it
	n.fsys.nodes.renew(n)
	if pending {
		n.fsys.pending.add(n)
	}
}

// endIdle ends the node's time under write if it has not ended yet, and nobody has it
// open any more or expects anything else of it. The operation gate is held.
func (n *fileNode) endIdle(w *writing) {
	if !n.isUnder(w) || w.held() || w.parked != nil || n.keptForReaders() {
		return
	}
	n.endWriting(n.fsys.ctx, w)
	n.fsys.nodes.unneeded(n)
}

// isUnder reports that it is this time that the node is under write.
func (n *fileNode) isUnder(w *writing) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.writing == w
}

// held reports that somebody has the file open for whom it stays under write. A file
// that failed only does for those who must not write to it as if nothing had happened.
func (w *writing) held() bool {
	if w.file.Err() != nil {
		return w.writers > 0
	}
	return w.handles > 0
}

// endWriting ends the node's time under write. What is not stored is stored now,
// where that is what the writers wanted: nobody is there any more to be told.
// The operation gate is held.
func (n *fileNode) endWriting(ctx context.Context, w *writing) {
	defer w.unpark() // not before: who wants it stored waits for that
	var lost error
	switch err := w.file.Err(); {
	case err != nil:
		lost = err
	case !w.file.Dirty():
	case w.killed.Load():
		lost = uploader.ErrWriterKilled
	default:
		lost = n.commit(ctx, w)
	}
	if lost != nil {
		w.file.Discard(lost)
		w.answer("release", lost)
		n.storeBefore(ctx, w)
	}
	if err := w.file.Close(ctx); err != nil && !errors.Is(err, lost) {
		n.fsys.answer("release", n.key(), err)
	}
	n.mu.Lock()
	n.writing = nil
	alone := lost == nil && w.explicit && !w.file.OptionsStored() && !n.deleted && !n.replaced
	n.pending = n.pending || alone
	n.mu.Unlock()
	n.fsys.open.remove(w)
	if alone { // no commit came that would have carried them
		n.fsys.pending.add(n)
	}
	if lost != nil {
		n.fsys.lose(n)
	}
	close(w.ended)
}

// lose takes a node away whose content the kernel believes in, and which the
// store does not have: the name shows what is stored, or nothing.
func (f *FileSystem) lose(n *fileNode) {
	f.nodes.mu.RLock()
	if n.parent != nil {
		n.parent.emptying(false) // who is told to look again must not be told so twice
	}
	f.nodes.mu.RUnlock()
	n.mu.Lock()
	n.replaced = true
	n.mu.Unlock()
	f.nodes.mu.Lock()
	d, name := n.parent, n.name
	f.nodes.detachLocked(n)
	f.nodes.mu.Unlock()
	if d == nil {
		return
	}
	f.cfg.Cache.Invalidate(n.key())
	// The kernel may refuse: it then learns within the entry's time. It may also be
	// unlinking the file, with the directory locked and a request that waits for
	// the gate that our caller holds.
	f.background.Go(func() { d.NotifyEntry(name) })
}
