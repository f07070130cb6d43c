package uploader

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Commit stores what was written and publishes it under the file's name. With
// nothing new it returns the last commit's answer. Writing may go on after it:
// the committed object becomes the base of the next commit. ctx ends only the
// wait for another operation on the file, never the commit itself. A failure is
// final for the file: see Err.
func (f *File) Commit(ctx context.Context) (objstore.Info, error) {
	if err := f.take(ctx); err != nil {
		return objstore.Info{}, err
	}
	defer f.done()
	f.mu.Lock()
	idle := !f.dirty || f.unlinked
	info := f.base
	f.mu.Unlock()
	if idle {
		return info, nil
	}
	info, err := f.publish(f.ctx)
	if err != nil {
		if cause := context.Cause(f.ctx); cause != nil {
			err = cause
		}
		f.mu.Lock()
		f.failLocked(err)
		f.mu.Unlock()
		return objstore.Info{}, err
	}
	f.u.stats.commits.Add(1)
	return info, nil
}

// publish brings the file under its name, the way that costs least. The caller
// has the file to itself.
func (f *File) publish(ctx context.Context) (objstore.Info, error) {
	f.mu.Lock()
	key := f.key
	f.mu.Unlock()
	if err := f.u.vacateFor(ctx, key, f); err != nil {
		return objstore.Info{}, err
	}
	if err := f.settle(ctx); err != nil {
		return objstore.Info{}, err
	}
	f.mu.Lock()
	whole := f.wholeLocked()
	f.mu.Unlock()
	if whole {
		return f.put(ctx)
	}
	return f.assemble(ctx)
}

// settle makes finished objects of what can only be read back from them: the
// segments, and parts of which some bytes were written again and the others are
// not held any more.
func (f *File) settle(ctx context.Context) error {
	f.mu.Lock()
	ups := make([]*upload, 0, len(f.segments))
	for _, up := range f.segments {
		ups = append(ups, up)
	}
	f.mu.Unlock()
	g, _ := errgroup.WithContext(ctx)
	for _, up := range ups {
		g.Go(func() error { return f.complete(up) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	f.mu.Lock()
	clear(f.segments)
	lost := f.main != nil && (f.main.hidden || f.lostLocked())
	f.mu.Unlock()
	if lost {
		return f.stage(ctx)
	}
	return nil
}

// lostLocked reports that a part of the main upload holds bytes that are needed
// and cannot be had from anywhere else.
func (f *File) lostLocked() bool {
	for _, c := range f.cells {
		if c.part.Size > 0 && f.staleLocked(c) && !c.full(f.size) {
			return true
		}
	}
	return false
}

// staleLocked reports that a cell's part is not what the cell has to be.
func (f *File) staleLocked(c *cell) bool {
	return len(c.dirty) > 0 || c.part.Size != c.reach(f.size) || c.valid < c.part.Size
}

// wholeLocked reports that the file goes out as one PutObject: nothing of it was
// sent as a part, and what has to be fetched for it is less than a part.
func (f *File) wholeLocked() bool {
	if f.main != nil || f.size > f.u.cfg.Threshold || f.size > f.u.profile.MaxPut {
		return false
	}
	return f.size == 0 || f.fetchLocked(span{0, f.size}) <= f.u.profile.Part.Min || !f.u.profile.PartCopy
}

// fetchLocked returns how many bytes of a range are only at the store.
func (f *File) fetchLocked(s span) int64 {
	var n int64
	for _, r := range f.remotes.within(s) {
		n += r.len() - f.heldLocked(r.span).total()
	}
	return n
}

// heldLocked returns which bytes of a range are held in memory.
func (f *File) heldLocked(s span) spans {
	var out spans
	f.eachCell(s, func(index int, at span) {
		if c := f.cells[index]; c != nil {
			for _, h := range c.have.within(span{at.from - c.start, at.to - c.start}) {
				out = out.add(span{h.from + c.start, h.to + c.start})
			}
		}
	})
	return out
}

// eachCell calls fn for every cell that a range touches, with its share of it.
func (f *File) eachCell(s span, fn func(index int, at span)) {
	for at := s.from; at < s.to; {
		i := f.u.grid.cell(at)
		end := min(s.to, f.u.grid.start(i)+f.u.grid.length(i))
		fn(i, span{at, end})
		at = end
	}
}

// put commits the file as one object in one request.
func (f *File) put(ctx context.Context) (objstore.Info, error) {
	f.mu.Lock()
	all := span{0, f.size}
	key, exclusive := f.key, f.exclusive
	f.mu.Unlock()
	b, err := f.compose(ctx, all) // its fetch may bring the base's properties with it
	if err != nil {
		return objstore.Info{}, err
	}
	defer f.release(b)
	opts, version, err := f.resolveOptions(ctx)
	if err != nil {
		return objstore.Info{}, err
	}
	out, sum, err := f.u.sealBody(b)
	if err != nil {
		return objstore.Info{}, err
	}
	sent, mark := f.u.tagged(opts, exclusive)
	info, err := f.guarded(ctx, f.u.profile.NoClobberPut, f.u.profile.IfMatchPut, func(c objstore.Condition) (objstore.Info, error) {
		info, err := f.u.store.Put(ctx, key, out, objstore.PutOptions{ObjectOptions: sent, Condition: c})
		if err == nil && differs(out.Digest, info.Checksum) {
			err = fmt.Errorf("the store holds other bytes: %w", ErrIntegrity)
		}
		return info, err
	}, func(info objstore.Info) bool { return f.wasPut(info, b, sum, mark, sent) })
	if err != nil {
		return objstore.Info{}, fmt.Errorf("put %q: %w", key, err)
	}
	f.u.stats.puts.Add(1)
	f.u.stats.sent.Add(b.size)
	return f.committed(info, opts, version), nil
}

// committed makes the object just published the file's base.
func (f *File) committed(info objstore.Info, opts objstore.ObjectOptions, version int) objstore.Info {
	f.mu.Lock()
	info.Key, info.Size, info.Full, info.ObjectOptions = f.key, f.size, true, opts
	if info.ModTime.IsZero() {
		info.ModTime = time.Now()
	}
	f.base, f.hasBase, f.dirty, f.exclusive = info, true, false, false
	f.changes, f.stored = nil, version
	f.guard = objstore.Condition{ETag: info.ETag}
	f.remotes = remotes{}.put(remote{span{0, f.size}, source{key: f.key, etag: info.ETag, size: f.size}, 0})
	f.main, f.streaming, f.queue = nil, false, nil
	for i, c := range f.cells {
		c.trim(c.reach(f.size))
		c.state, c.dirty, c.part, c.upload = clean, nil, objstore.Part{}, nil
		f.u.age(c)
		if len(c.have) == 0 {
			delete(f.cells, i)
		}
	}
	f.tidyLocked(nil, f.staged)
	f.staged = nil
	f.mu.Unlock()
	f.u.Forget(info.Key)
	return info
}
