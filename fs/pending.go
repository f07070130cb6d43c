package fs

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// pendingQueue holds the nodes whose attributes are to be stored by themselves:
// a change of a stored file's metadata is a copy of the object, so it waits a
// moment for other changes, or a rename, to share the copy.
type pendingQueue struct {
	fsys *FileSystem
	wake chan struct{} // cap 1: there is work, or the end

	storing gate // held by who has taken nodes out and stores them, and by who renames a directory

	mu    sync.Mutex
	due   map[keeper]time.Time
	ended bool
}

// keeper is a node with attributes to store.
type keeper interface {
	treeNode
	// keep stores the attributes. An error stays on the node.
	keep(ctx context.Context) error
}

// keepers is how many attribute changes are stored at once: as many as the
// uploader keeps parts in flight.
const keepers = 16

func (q *pendingQueue) init(f *FileSystem) {
	q.fsys, q.wake, q.due = f, make(chan struct{}, 1), map[keeper]time.Time{}
}

// add puts a node in the queue. A later change of a node that waits does not make
// it wait longer, so that a file which is touched forever is stored now and then.
func (q *pendingQueue) add(n keeper) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waiting := q.due[n]; !waiting {
		q.due[n] = q.fsys.cfg.Now().Add(q.fsys.cfg.MetadataDelay)
		q.signal()
	}
}

// remove takes a node out: it was stored in some other way.
func (q *pendingQueue) remove(n keeper) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.due, n)
}

func (q *pendingQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run stores what is due until drain.
func (q *pendingQueue) run() {
	for {
		next, ended := q.storeDue(q.fsys.ctx, q.fsys.cfg.Now())
		if ended {
			return
		}
		timer := time.NewTimer(next)
		select {
		case <-q.wake:
		case <-timer.C:
		case <-q.fsys.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// idle is how long run sleeps with nothing to do: signal wakes it.
const idle = time.Hour

// storeDue stores what is due at a time, and says how long it is until the next.
func (q *pendingQueue) storeDue(ctx context.Context, now time.Time) (next time.Duration, ended bool) {
	if q.storing.enter(ctx) != nil {
		return 0, true
	}
	defer q.storing.leave()
	q.mu.Lock()
	next = idle
	var batch []keeper
	for n, at := range q.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		batch = append(batch, n)
		delete(q.due, n)
	}
	ended = q.ended
	q.mu.Unlock()
	q.store(ctx, batch)
	return next, ended
}

// store stores the attributes of nodes, several at once.
func (q *pendingQueue) store(ctx context.Context, batch []keeper) error {
	var group errgroup.Group
	group.SetLimit(keepers)
	errs := make([]error, len(batch))
	for i, n := range batch {
		group.Go(func() error {
			if errs[i] = n.keep(ctx); errs[i] != nil {
				q.fsys.answer("store metadata", keyOf(n), errs[i])
			}
			q.fsys.nodes.unneeded(n)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	return errors.Join(errs...)
}

// keepNow stores the attributes of one node, and waits for it if that is being done.
func (q *pendingQueue) keepNow(ctx context.Context, n keeper) error {
	if err := q.storing.enter(ctx); err != nil {
		return err
	}
	defer q.storing.leave()
	return n.keep(ctx)
}

// flush stores everything that waits, and waits for what is being stored.
func (q *pendingQueue) flush(ctx context.Context) error {
	if err := q.storing.enter(ctx); err != nil {
		return err
	}
	defer q.storing.leave()
	q.mu.Lock()
	var batch []keeper
	for n := range q.due {
		batch = append(batch, n)
	}
	clear(q.due)
	q.mu.Unlock()
	return q.store(ctx, batch)
}

// drain stores everything that waits and ends run.
func (q *pendingQueue) drain(ctx context.Context) {
	_ = q.flush(ctx) // logged, kept on the nodes, and counted as failures
	q.mu.Lock()
	q.ended = true
	q.signal()
	q.mu.Unlock()
}

func keyOf(n treeNode) string {
	t := &n.tree().fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return keyLocked(n)
}
