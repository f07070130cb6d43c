package fs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// departures are the objects of unlinked files that are yet to be deleted: a
// thousand of them go with one request. The names are gone for this mount at
// once. See doc.go for who waits for what.
type departures struct {
	fsys *FileSystem
	wake chan struct{} // cap 1: there is something to do, or the end

	mu      sync.Mutex
	waiting []departure         // by age; not sent yet
	keys    map[string]struct{} // waiting or on their way
	since   time.Time           // when the first of waiting came
	added   uint64              // departures so far
	sent    uint64              // of those, how many have been answered; they are in the order in which they came
	urgent  uint64              // those up to here are waited for
	next    chan struct{}       // closed when a batch was answered
	ended   bool
	streaks map[uint32]streak // by thread
}

// departure is one object to be deleted.
type departure struct {
	key    string
	dir    *dirNode     // whose entry it was
	result chan<- error // of who waits for it, with room for it; nil where unlink has returned
}

const (
	// departureDelay is how long an unlinked object may stay in the store.
	departureDelay = time.Second / 2
	// maxDepartures bounds the deletions that wait or are on their way: an unlink
	// beyond waits. With 1 KB a key that is 4 MB.
	maxDepartures = 4 * objstore.MaxPage
	// streakStart is how many files a thread deletes one after the other before the
	// next ones are taken for a part of many: whoever deletes a few is told what
	// became of each.
	streakStart = 8
	// streakGap is the longest pause in between.
	streakGap = 200 * time.Millisecond
	// maxStreaks bounds the threads that are remembered.
	maxStreaks = 64
)

// streak is what a thread deletes without doing much else.
type streak struct {
	n    int
	last time.Time // when the last one was over
}

func (q *departures) init(f *FileSystem) {
	q.fsys, q.wake = f, make(chan struct{}, 1)
	q.keys, q.next, q.streaks = map[string]struct{}{}, make(chan struct{}), map[uint32]streak{}
}

// many reports that the thread is deleting file after file.
func (q *departures) many(tid uint32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.streaks[tid]
	return tid != 0 && q.fsys.cfg.Unlink == UnlinkBatch && s.n >= streakStart && q.fsys.cfg.Now().Sub(s.last) < streakGap
}

// deleted counts a file that a thread has deleted.
func (q *departures) deleted(tid uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.fsys.cfg.Now()
	s := q.streaks[tid]
	if now.Sub(s.last) >= streakGap {
		s.n = 0
	}
	if len(q.streaks) >= maxStreaks {
		for other, o := range q.streaks {
			if now.Sub(o.last) >= streakGap {
				delete(q.streaks, other)
			}
		}
	}
	if _, known := q.streaks[tid]; known || len(q.streaks) < maxStreaks {
		q.streaks[tid] = streak{s.n + 1, now}
	}
}

// add takes in an object that is to be deleted. Its name is gone when add returns nil.
func (q *departures) add(ctx context.Context, d departure) error {
	q.mu.Lock()
	for len(q.keys) >= maxDepartures {
		if err := q.waitLocked(ctx); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	if len(q.waiting) == 0 {
		q.since = q.fsys.cfg.Now()
	}
	q.waiting = append(q.waiting, d)
	q.keys[d.key] = struct{}{}
	q.added++
	// Before the batch can be answered, which takes the key out of the cache again.
	q.fsys.cfg.Cache.Leave(d.key)
	q.mu.Unlock()
	q.signal()
	return nil
}

// remove deletes an object in the company of what waits, and returns what became of it.
func (q *departures) remove(ctx context.Context, key string) error {
	if !q.any() {
		return q.fsys.cfg.Store.Delete(ctx, key)
	}
	result := make(chan error, 1)
	if err := q.add(ctx, departure{key: key, result: result}); err != nil {
		return err
	}
	if err := q.flush(ctx); err != nil {
		return err
	}
	return <-result
}

func (q *departures) any() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.keys) > 0
}

// waitLocked waits, without the mutex, until a batch was answered.
func (q *departures) waitLocked(ctx context.Context) error {
	next := q.next
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *departures) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// leaving reports that an object is still to be deleted.
func (q *departures) leaving(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, yes := q.keys[key]
	return yes
}

// flush waits until everything that was unlinked so far is deleted, or could not be.
func (q *departures) flush(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := q.added
	if q.sent >= last {
		return nil
	}
	q.urgent = max(q.urgent, last)
	q.signal()
	for q.sent < last {
		if err := q.waitLocked(ctx); err != nil {
			return fmt.Errorf("wait for deletions: %w", err)
		}
	}
	return nil
}

// settle makes sure that nothing which was unlinked under a name is deleted after
// something else has got it.
func (q *departures) settle(ctx context.Context, key string) error {
	if !q.leaving(key) && !q.leaving(key+"/") {
		return nil
	}
	return q.flush(ctx)
}

// run deletes what is due until drain.
func (q *departures) run() {
	for {
		batch, wait, over := q.due(q.fsys.cfg.Now())
		switch {
		case len(batch) > 0:
			q.send(q.fsys.ctx, batch)
			continue
		case over:
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// due takes the next batch, if it is its time, and says how long it is until then.
func (q *departures) due(now time.Time) (batch []departure, wait time.Duration, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	age := now.Sub(q.since)
	switch {
	case len(q.waiting) == 0:
		return nil, idle, q.ended
	case len(q.waiting) < objstore.MaxPage && q.urgent <= q.sent && !q.ended && age < departureDelay:
		return nil, departureDelay - age, false
	}
	n := min(len(q.waiting), objstore.MaxPage)
	batch, q.waiting = q.waiting[:n:n], slices.Clone(q.waiting[n:])
	q.since = now
	return batch, 0, false
}

// send deletes the objects of a batch. What cannot be deleted has its name again.
func (q *departures) send(ctx context.Context, batch []departure) {
	f := q.fsys
	keys := make([]string, len(batch))
	for i, d := range batch {
		keys[i] = d.key
	}
	failed, err := f.cfg.Store.DeleteMany(ctx, keys)
	for _, d := range batch {
		failure := failed[d.key]
		if err != nil {
			failure = errors.Join(failure, err)
		}
		q.answered(d, failure)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, key := range keys {
		delete(q.keys, key)
	}
	q.sent += uint64(len(batch))
	if err != nil || len(failed) > 0 {
		clear(q.streaks) // from now on each is told
	}
	close(q.next)
	q.next = make(chan struct{})
}

// answered tells of a deletion.
func (q *departures) answered(d departure, failure error) {
	f := q.fsys
	if failure == nil {
		f.cfg.Cache.Left(d.key)
	} else {
		f.cfg.Cache.Stay(d.key)
	}
	if d.result != nil {
		d.result <- failure
		return
	}
	if failure == nil {
		f.cfg.Uploader.Lacks(d.key, nil)
		return
	}
	failure = fmt.Errorf("delete %q, which was unlinked: %w", d.key, failure)
	f.cfg.Uploader.Lacks(d.key, failure)
	d.dir.mu.Lock()
	d.dir.undeleted = failure
	d.dir.mu.Unlock()
	f.answer("unlink", d.key, failure)
}

// drain deletes everything that is left, and ends run.
func (q *departures) drain(ctx context.Context) {
	_ = q.flush(ctx) // what could not be deleted was logged, and counts as a failure
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.signal()
}

// reproach returns, once, why a file could not be deleted whose unlink had
// succeeded.
func (d *dirNode) reproach() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.undeleted
	d.undeleted = nil
	return err
}
