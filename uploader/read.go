package uploader

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// ReadAt fills p from an offset with what was written, what the base holds, and
// zeros for holes. It returns fewer bytes than len(p) only at the end of the
// file, without an error.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		k, err := f.readCell(ctx, p[n:], off+int64(n))
		if err != nil {
			return n, err
		}
		if k == 0 {
			break
		}
		n += k
	}
	return n, nil
}

// readTries is how often a range is fetched and found gone again, taken by a
// writer in need of memory, before it is read past the cells.
const readTries = 3

// readCell reads from the cell at off, as far as it and the file go.
func (f *File) readCell(ctx context.Context, p []byte, off int64) (int, error) {
	index := f.u.grid.cell(off)
	start := f.u.grid.start(index)
	for try := 0; ; try++ {
		f.mu.Lock()
		if err := f.readableLocked(); err != nil {
			f.mu.Unlock()
			return 0, err
		}
		end := min(off+int64(len(p)), start+f.u.grid.length(index), f.size)
		if end <= off {
			f.mu.Unlock()
			return 0, nil
		}
		at := span{off, end}
		missing := f.missingLocked(at)
		lost := len(missing) > 0 && f.lostAtLocked(index, missing)
		past := len(missing) == 0 || try >= readTries && !lost
		rest, detours := f.remoteOf(missing), f.detours
		var err error
		if past {
			err = f.copyOutLocked(p[:at.len()], at)
		}
		f.mu.Unlock()
		switch {
		case err != nil:
		case past:
			err = f.readRemote(ctx, p, off, rest)
		case lost:
			err = f.stageFor(ctx, index, at)
		default:
			err = f.fetch(ctx, f.window(missing[0]))
		}
		if err != nil && f.moved(ctx, missing, rest, detours) {
			continue // this mount put another object in the place of the one read from
		}
		if err != nil {
			return 0, err
		}
		if past {
			return int(at.len()), nil
		}
	}
}

// moved reports that ranges are remote elsewhere than they were, or that another object
// had their object's name for a while. It waits for a commit under way, which may have
// replaced the object already.
func (f *File) moved(ctx context.Context, missing spans, were remotes, detours uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.usableLocked(ctx) != nil {
		return false
	}
	return f.detours != detours || !slices.Equal(f.remoteOf(missing), were)
}

// Detours counts how often the file's name showed what was sent so far, and then again
// what it had before, with the same ETag perhaps. Who found another object there than
// he expected waits with Settle, and tries again if it is another number then.
func (f *File) Detours() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.detours
}

// Settle waits until nobody has the file to himself. A failed file, or a closed one, is
// settled: the only error is that of ctx.
func (f *File) Settle(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.usableLocked(ctx) != nil {
		return ctx.Err()
	}
	return nil
}

func (f *File) readableLocked() error {
	if f.closed {
		return ErrClosed
	}
	return f.err
}

// missingLocked returns what of a range of one cell is neither held nor a hole.
func (f *File) missingLocked(at span) spans {
	var out spans
	c := f.cells[f.u.grid.cell(at.from)]
	gaps := spans{at}
	if c != nil {
		gaps = nil
		for _, g := range c.have.gaps(span{at.from - c.start, at.to - c.start}) {
			gaps = append(gaps, span{g.from + c.start, g.to + c.start})
		}
		if c.part.Size > 0 {
			return gaps.within(span{c.start, c.start + c.valid})
		}
	}
	for _, g := range gaps {
		for _, r := range f.remotes.within(g) {
			out = out.add(r.span)
		}
	}
	return out
}

// lostAtLocked reports that what is missing of a cell is only in a part that
// cannot be read before its upload is finished.
func (f *File) lostAtLocked(index int, missing spans) bool {
	c := f.cells[index]
	return c != nil && c.part.Size > 0 && len(missing) > 0
}

// copyOutLocked fills p with the held bytes of a range of one cell and with zeros.
func (f *File) copyOutLocked(p []byte, at span) error {
	c := f.cells[f.u.grid.cell(at.from)]
	if c == nil {
		clear(p)
		return nil
	}
	for _, h := range cut(c.have, at.from-c.start, at.to-c.start) {
		dst := p[h.from+c.start-at.from : h.to+c.start-at.from]
		if !h.held {
			clear(dst)
			continue
		}
		if err := c.read(dst, h.from); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) remoteOf(missing spans) remotes {
	var out remotes
	for _, m := range missing {
		out = append(out, f.remotes.within(m)...)
	}
	return out
}

// readRemote reads ranges past the cells, straight into p, which begins at off.
func (f *File) readRemote(ctx context.Context, p []byte, off int64, rest remotes) error {
	for _, r := range rest {
		body, _, err := f.get(ctx, r)
		if err != nil {
			return err
		}
		_, err = io.ReadFull(body, p[r.from-off:r.to-off])
		_ = body.Close()
		if err != nil {
			return fmt.Errorf("read %q: %w", r.src.key, shortRead(err))
		}
	}
	return nil
}

func (f *File) get(ctx context.Context, r remote) (io.ReadCloser, objstore.Info, error) {
	f.mu.Lock()
	sse := customerKey(f.options.SSE)
	f.mu.Unlock()
	body, info, err := f.u.store.Get(ctx, r.src.key, objstore.GetOptions{Offset: r.off, Length: r.len(), IfMatch: r.src.etag, SSE: sse})
	if err != nil {
		return nil, info, fmt.Errorf("read bytes %d-%d of %q: %w", r.off, r.off+r.len()-1, r.src.key, asConflict(err, r.src))
	}
	return body, info, nil
}

// stageFor makes lost bytes of a cell readable, unless somebody else did.
func (f *File) stageFor(ctx context.Context, index int, at span) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	f.mu.Lock()
	var up *upload
	if c := f.cells[index]; f.lostAtLocked(index, f.missingLocked(at)) {
		up = c.upload
	}
	main := f.main
	f.mu.Unlock()
	switch up {
	case nil:
		return nil
	case main:
		return f.stageNow()
	}
	return f.final(f.complete(up))
}

// window widens a range to what the commit would have to fetch around a small
// write there, so that it is fetched only once: the smallest part, inside the
// cell and the object.
func (f *File) window(s span) span {
	index := f.u.grid.cell(s.from)
	start := f.u.grid.start(index)
	end := start + f.u.grid.length(index)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.remotes.within(span{start, end}) {
		if r.from > s.from || r.to < s.to {
			continue
		}
		to := min(r.to, s.from+max(s.len(), f.u.profile.Part.Min))
		from := max(r.from, min(s.from, to-f.u.profile.Part.Min))
		return span{from, to}
	}
	return s
}

// fetch brings the bytes of a range into memory that only the store has.
func (f *File) fetch(ctx context.Context, s span) error {
	f.mu.Lock()
	var want remotes
	for _, r := range f.remotes.within(s) {
		for _, g := range f.heldLocked(r.span).gaps(r.span) {
			want = append(want, r.slice(g, runCopy))
		}
	}
	f.mu.Unlock()
	for len(want) > 0 {
		var together remotes
		together, want = want.together()
		if err := f.fetchRange(ctx, together.hull()); err != nil {
			return err
		}
	}
	return nil
}

// fetchRange fetches one range of one object. Bytes that were written meanwhile
// win over those of the store.
func (f *File) fetchRange(ctx context.Context, r remote) error {
	body, info, err := f.get(ctx, r)
	if err != nil {
		return err
	}
	defer body.Close()
	f.mu.Lock()
	f.learnLocked(info)
	f.mu.Unlock()
	buf := make([]byte, chunkSize)
	for at := r.from; at < r.to; {
		n := min(chunkSize-at%chunkSize, r.to-at)
		if _, err := io.ReadFull(body, buf[:n]); err != nil {
			return fmt.Errorf("read %q: %w", r.src.key, shortRead(err))
		}
		if err := f.fill(ctx, at, buf[:n], r.src); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// fill puts fetched bytes where nothing was written, if they are still wanted.
func (f *File) fill(ctx context.Context, at int64, p []byte, src source) error {
	var fresh []*chunk
	var err error
	f.eachCell(span{at, at + int64(len(p))}, func(index int, s span) {
		if err != nil {
			return
		}
		fresh, err = f.chunks(ctx, 2) // a page, and its neighbour where cells end within one
		if err != nil {
			f.u.pool.kick() // nothing is freed by a reader that fails
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		defer func() { f.u.pool.put(fresh) }()
		if f.err != nil || f.closed {
			return
		}
		c := f.cellLocked(index)
		for _, r := range f.remotes.within(s) {
			if r.src != src || c.part.Size > 0 { // a part is newer than what lies under it
				continue
			}
			for _, g := range c.have.gaps(span{r.from - c.start, r.to - c.start}) {
				if fresh, err = c.write(p[g.from+c.start-at:g.to+c.start-at], g.from, fresh, false); err != nil {
					return
				}
			}
		}
		f.u.age(c)
	})
	return err
}
