package fs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// parked is the state of a file that rsync has closed under a temporary name: it is
// stored by the rename that follows, under its last name, with one request and not
// with three. It is under write without a handle, and what it holds is nowhere but
// in memory. Whoever may have to find it in the store calls land; the file does so
// by itself when no rename comes, or the uploader needs the memory.
type parked struct {
	under  *writing
	recall chan struct{} // cap 1: it is to be stored now
	over   chan struct{} // closed by writing.unpark
}

// temporary reports that rsync makes a file, under a name that it will not keep: that
// of the file and, as mkstemp(3) makes them, a dot and six letters or digits. Names
// have a dot in front but with --temp-dir, and are cut so that they are not too long.
func (d *dirNode) temporary(name string, flags, tid uint32) bool {
	f := d.fsys
	return f.cfg.RsyncStore == RsyncRename && flags&syscall.O_EXCL != 0 && temporaryName(name) && f.procs.runs(tid, "rsync")
}

func temporaryName(name string) bool {
	dot := len(name) - len(".XXXXXX")
	if dot < 0 || name[dot] != '.' {
		return false
	}
	for _, c := range []byte(name[dot+1:]) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// park reports that the close of a file succeeds without storing it. The operation
// gate is held.
func (h *writeHandle) park() bool {
	w := h.writing
	if h.temporary == "" || h.temporary != w.key || w.covers || w.handles > 1 {
		return false
	}
	p := &parked{under: w, recall: make(chan struct{}, 1), over: make(chan struct{})}
	if !w.file.Park(p.recallNow) {
		return false
	}
	w.parked = p
	f := w.node.fsys
	f.parked.add(p)
	f.background.Go(func() { p.wait(f.cfg.ParkTime) })
	return true
}

// recallNow has the file stored soon.
func (p *parked) recallNow() {
	select {
	case p.recall <- struct{}{}:
	default: // it is on its way
	}
}

// wait stores the file if nothing has become of it in time.
func (p *parked) wait(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.recall:
	case <-p.over:
		return
	}
	f := p.under.node.fsys
	_ = p.land(f.ctx) // logged by the last release
}

// land stores the file if it is still parked.
func (p *parked) land(ctx context.Context) error {
	n := p.under.node
	if err := n.operation.enter(ctx); err != nil {
		return fmt.Errorf("store %q: %w", n.key(), err)
	}
	defer n.operation.leave()
	if p.under.parked != p {
		return nil
	}
	return n.land(ctx)
}

// land stores the file under the name that it has, if it is parked. The operation
// gate is held.
func (n *fileNode) land(ctx context.Context) error {
	n.mu.Lock()
	w := n.writing
	n.mu.Unlock()
	if w == nil || w.parked == nil {
		return nil
	}
	err := n.commit(ctx, w)
	n.endIdle(w)
	return err
}

// landAs stores a parked file under its last name, of which guard says what may be
// there. If that fails the file is lost, as by a close that fails; who renames it is
// told. The operation gate is held.
func (n *fileNode) landAs(ctx context.Context, w *writing, key string, guard objstore.Condition) error {
	if _, err := w.rename(ctx, key, guard); err != nil {
		return err
	}
	err := n.commit(n.fsys.ctx, w)
	n.endIdle(w)
	if errors.Is(err, uploader.ErrConflict) {
		return errors.Join(errTaken, err)
	}
	return err
}

// unpark ends the file's time as a parked one, if it is. The operation gate is held.
func (w *writing) unpark() {
	if p := w.parked; p != nil {
		w.parked = nil
		w.file.Unpark()
		w.node.fsys.parked.remove(p)
		close(p.over)
	}
}

// parkedFiles are all that are parked; the uploader bounds them.
type parkedFiles struct {
	mu   sync.Mutex
	live map[*parked]struct{}
}

func (s *parkedFiles) add(p *parked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = map[*parked]struct{}{}
	}
	s.live[p] = struct{}{}
}

func (s *parkedFiles) remove(p *parked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, p)
}

// land stores those that are in a directory, or all of them where d is nil.
func (s *parkedFiles) land(ctx context.Context, d *dirNode) error {
	s.mu.Lock()
	var files []*parked
	for p := range s.live {
		files = append(files, p)
	}
	s.mu.Unlock()
	var group errgroup.Group
	for _, p := range files {
		if d == nil || p.under.node.in(d) {
			group.Go(func() error { return p.land(ctx) })
		}
	}
	return group.Wait()
}
