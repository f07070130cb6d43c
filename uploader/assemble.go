package uploader

import (
	"context"
	"fmt"
	"sort"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// assemble commits the file as a multipart upload: parts that were sent while it
// was written, ranges that the server copies, and the rest.
func (f *File) assemble(ctx context.Context) (objstore.Info, error) {
	pieces, err := f.planned(ctx)
	if err != nil {
		return objstore.Info{}, err
	}
	// Something that has to be fetched comes first: its answer brings the base's
	// properties with it, which the new upload needs.
	first, err := f.composeFirst(ctx, pieces)
	if err != nil {
		return objstore.Info{}, err
	}
	defer first.release(f)
	f.mu.Lock()
	up, create := f.main, false
	if up == nil {
		up, create = f.uploadLocked(0)
		up.key, up.hidden = f.key, false
	}
	f.mu.Unlock()
	if err := f.open(up, create); err != nil {
		return objstore.Info{}, err
	}
	parts, err := f.sendPieces(ctx, up, pieces, first)
	if err != nil {
		return objstore.Info{}, err
	}
	info, err := f.completeMain(ctx, up, parts)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("complete %q: %w", up.key, err)
	}
	return f.committed(info, up.options, up.version), nil
}

// plan turns the state of the file into the parts of its commit.
func (f *File) plan() ([]piece, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := newPlanner(f.u.profile, f.u.grid.rungs[len(f.u.grid.rungs)-1].size)
	p.held = f.heldLocked(span{0, f.size})
	if p.equal || f.main != nil { // else the numbers are free, and never too few
		f.eachCell(span{0, min(f.size, f.u.grid.start(f.u.grid.direct))}, func(i int, at span) {
			p.cells = append(p.cells, cellRange{at, f.u.grid.number(i)})
		})
	}
	return p.plan(f.runsLocked())
}

// runsLocked describes the whole file as runs.
func (f *File) runsLocked() []run {
	sent := f.sentCellsLocked()
	var out []run
	at := int64(0)
	for _, c := range sent {
		out = f.looseLocked(out, span{at, c.start})
		end := c.start + c.reach(f.size)
		out = append(out, run{span: span{c.start, end}, kind: runSent, number: f.u.grid.number(c.index)})
		at = end
	}
	return f.looseLocked(out, span{at, f.size})
}

// sentCellsLocked returns the cells that have a part in the main upload, in order.
func (f *File) sentCellsLocked() []*cell {
	var out []*cell
	for _, c := range f.cells {
		if c.part.Size > 0 && c.upload == f.main && c.reach(f.size) > 0 {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].index < out[j].index })
	return out
}

// looseLocked adds the runs of a range of which nothing was sent.
func (f *File) looseLocked(out []run, s span) []run {
	if s.from >= s.to {
		return out
	}
	dirty := f.dirtyLocked(s)
	add := func(r run) {
		if n := len(out); n > 0 && r.kind == runSend && out[n-1].kind == runSend && out[n-1].to == r.from {
			out[n-1].to, out[n-1].zero = r.to, out[n-1].zero && r.zero
			return
		}
		out = append(out, r)
	}
	for _, h := range cut(dirty, s.from, s.to) {
		if h.held {
			add(run{span: h.span, kind: runSend})
			continue
		}
		at := h.from
		for _, r := range f.remotes.within(h.span) {
			if r.from > at {
				add(run{span: span{at, r.from}, kind: runSend, zero: true})
			}
			if f.u.copyable(r.src) {
				add(run{span: r.span, kind: runCopy, src: r})
			} else {
				add(run{span: r.span, kind: runSend})
			}
			at = r.to
		}
		if at < h.to {
			add(run{span: span{at, h.to}, kind: runSend, zero: true})
		}
	}
	return out
}

// dirtyLocked returns which bytes of a range are only here.
func (f *File) dirtyLocked(s span) spans {
	var out spans
	f.eachCell(s, func(index int, at span) {
		if c := f.cells[index]; c != nil {
			for _, d := range c.dirty.within(span{at.from - c.start, at.to - c.start}) {
				out = out.add(span{d.from + c.start, d.to + c.start})
			}
		}
	})
	return out
}

// sendPieces sends and copies what is not at the store yet, in parallel, and
// returns all parts in order.
func (f *File) sendPieces(ctx context.Context, up *upload, pieces []piece, first *composed) ([]sent, error) {
	parts := make([]sent, len(pieces))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.u.cfg.Concurrency)
	for _, i := range first.order(pieces) {
		p := pieces[i]
		g.Go(func() error {
			s, err := f.sendPiece(ctx, up, p, first)
			if err != nil {
				return err
			}
			s.at = p.span
			parts[i] = s
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return parts, nil
}

func (f *File) sendPiece(ctx context.Context, up *upload, p piece, first *composed) (sent, error) {
	if p.kind == runSent {
		f.mu.Lock()
		c := f.cells[f.u.grid.cell(p.from)]
		done := !f.staleLocked(c)
		s := up.parts[p.number]
		f.mu.Unlock()
		if done {
			return s, nil
		}
	}
	b, err := (*body)(nil), error(nil)
	if p.kind != runCopy {
		if b = first.take(p); b == nil {
			b, err = f.compose(ctx, p.span)
		}
		if err != nil {
			return sent{}, err
		}
		defer f.release(b)
	}
	if err := f.u.slots.acquire(ctx); err != nil {
		return sent{}, err
	}
	defer f.u.slots.release(0, 0)
	if p.kind == runCopy {
		return f.u.copyPart(ctx, up, p.number, p.src, up.ref.SSE)
	}
	s, err := f.u.sendPart(ctx, up, p.number, b)
	if err == nil {
		s.at = p.span
		f.mu.Lock()
		up.parts[p.number] = s
		f.mu.Unlock()
	}
	return s, err
}

// copyPart has the server make a part of a range of an object, which is encrypted with
// a key of its customer if sse says so.
func (u *Uploader) copyPart(ctx context.Context, up *upload, number int32, r remote, sse objstore.SSE) (sent, error) {
	part, err := u.store.UploadPartCopy(ctx, up.ref, number, objstore.CopySource{
		Key: r.src.key, Offset: r.off, Length: r.len(), IfMatch: r.src.etag, SSE: sse,
	})
	if err != nil {
		up.doubt.Store(up.doubt.Load() || unanswered(err))
		return sent{}, fmt.Errorf("copy bytes %d-%d of %q: %w", r.off, r.off+r.len()-1, r.src.key, asConflict(err, r.src))
	}
	u.stats.copies.Add(1)
	part.Number, part.Size = number, r.len()
	sum, ok := u.crc.sum(part.Digest)
	return sent{part: part, sum: sum, sumOK: ok}, nil
}

// copyable reports that the server can copy ranges of an object: S3 does so only
// of objects larger than the smallest part.
func (u *Uploader) copyable(s source) bool {
	return u.profile.PartCopy && s.size > u.profile.Part.Min
}
