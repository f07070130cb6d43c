package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// compose gathers a range of the file for sending: what is held from its
// chunks, what only the store has from a download into chunks of its own, and
// zeros. The caller has the file to itself, holds no slot, and releases the body.
//
// Only one body of the mount waits for memory at a time: it pins the chunks it
// gathered, which then cannot be spilled, and needs at most as many again. It
// holds no slot meanwhile, for those who have one must never wait for memory:
// what frees it may be parts that wait for a slot.
func (f *File) compose(ctx context.Context, s span) (*body, error) {
	b, wanted := f.gather(s)
	if len(wanted) == 0 {
		return b, nil
	}
	f.release(b)
	if err := f.u.composing.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	b, wanted = f.gather(s)
	fresh, err := f.chunks(ctx, int((wanted.total()+chunkSize-1)/chunkSize))
	f.u.composing.Release(1)
	if err == nil {
		err = f.download(ctx, b, wanted, fresh)
	}
	if err != nil {
		f.release(b)
		return nil, err
	}
	return b, nil
}

// gather makes a body of a range, with room for what is wanted from the store.
func (f *File) gather(s span) (*body, remotes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := &body{u: f.u}
	return b, f.gatherLocked(b, s)
}

// gatherLocked fills a body with references to what is held, and with room for
// what is wanted from the store, in order.
func (f *File) gatherLocked(b *body, s span) remotes {
	var wanted remotes
	f.eachCell(s, func(index int, at span) {
		c := f.cells[index]
		parts := []held{{at, false}}
		if c != nil {
			parts = cut(c.have, at.from-c.start, at.to-c.start)
			for i := range parts {
				parts[i].from, parts[i].to = parts[i].from+c.start, parts[i].to+c.start
			}
		}
		for _, p := range parts {
			if p.held {
				b.gather(c, p.from-c.start, p.to-c.start)
				continue
			}
			from := p.from
			for _, r := range f.remotes.within(p.span) {
				b.zero(r.from - from)
				b.room(r.len())
				wanted = append(wanted, r)
				from = r.to
			}
			b.zero(p.to - from)
		}
	})
	return wanted
}

// room adds n bytes that are filled in later.
func (b *body) room(n int64) {
	b.pieces = append(b.pieces, fragment{to: n, room: true})
	b.size += n
}

// download fills the rooms of a body, which are for the wanted ranges in order.
func (f *File) download(ctx context.Context, b *body, wanted remotes, fresh []*chunk) error {
	p := packer{free: fresh}
	var err error
	for err == nil && len(wanted) > 0 {
		var together remotes
		together, wanted = wanted.together()
		err = f.downloadTogether(ctx, together, &p)
	}
	f.u.pool.put(p.free)
	b.furnish(p.filled)
	return err
}

// downloadTogether reads neighbouring ranges of one object with one request.
func (f *File) downloadTogether(ctx context.Context, list remotes, p *packer) error {
	hull := list.hull()
	data, info, err := f.get(ctx, hull)
	if err != nil {
		return err
	}
	defer data.Close()
	f.mu.Lock()
	f.learnLocked(info)
	f.mu.Unlock()
	at := hull.from
	for _, r := range list {
		_, err := io.CopyN(io.Discard, data, r.from-at) // held, and newer
		if err == nil {
			err = p.read(data, r.len())
		}
		if err != nil {
			return fmt.Errorf("read %q: %w", r.src.key, shortRead(err))
		}
		at = r.to
	}
	return nil
}

// packer puts ranges into chunks without leaving any room between them: a part
// with a thousand small gaps needs no more memory than it has bytes.
type packer struct {
	free   []*chunk
	open   *chunk // has room from used on
	used   int64
	filled [][]fragment // by range
}

// read takes in the next range.
func (p *packer) read(data io.Reader, n int64) error {
	var out []fragment
	var err error
	for n > 0 && err == nil {
		if p.open == nil || p.used == chunkSize {
			last := len(p.free) - 1
			p.open, p.used, p.free = p.free[last], 0, p.free[:last]
		} else {
			p.open.refs++
		}
		k := min(n, chunkSize-p.used)
		out = append(out, fragment{c: p.open, from: p.used, to: p.used + k})
		_, err = io.ReadFull(data, p.open.buf[p.used:p.used+k])
		p.used += k
		n -= k
	}
	p.filled = append(p.filled, out)
	return err
}

// furnish puts what was fetched into the rooms. Rooms for which nothing was are
// left out: the body is then good for nothing but its release.
func (b *body) furnish(filled [][]fragment) {
	var out []fragment
	for _, p := range b.pieces {
		if !p.room {
			out = append(out, p)
		} else if len(filled) > 0 {
			out = append(out, filled[0]...)
			filled = filled[1:]
		}
	}
	b.pieces = out
}

// shortRead makes an answer that ended early a failure of the store.
func shortRead(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: answer ended early", objstore.ErrUnavailable)
	}
	return err
}

// release gives back what a body holds.
func (f *File) release(b *body) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b.releaseLocked()
}

// composed is a body that was made before its turn.
type composed struct {
	at   span
	body *body
}

// composeFirst makes the first body that needs a download, if the properties of
// the base are not known yet.
func (f *File) composeFirst(ctx context.Context, pieces []piece) (*composed, error) {
	f.mu.Lock()
	ask := f.hasBase && !f.base.Full && f.main == nil
	at := -1
	for i := 0; ask && at < 0 && i < len(pieces); i++ {
		if p := pieces[i]; p.kind == runSend && f.fetchLocked(p.span) > 0 {
			at = i
		}
	}
	f.mu.Unlock()
	if at < 0 {
		return &composed{}, nil
	}
	b, err := f.compose(ctx, pieces[at].span)
	return &composed{pieces[at].span, b}, err
}

// take returns the body if it is that of the piece.
func (c *composed) take(p piece) *body {
	if c.at != p.span || c.body == nil { // only the piece of that range looks at the body
		return nil
	}
	b := c.body
	c.body = nil
	return b
}

// order returns the indices of pieces in the order in which they are best sent: the
// one that holds memory already does not wait behind others that need some.
func (c *composed) order(pieces []piece) []int {
	out := make([]int, len(pieces))
	for i := range pieces {
		out[i] = i
		if c.body != nil && pieces[i].span == c.at {
			out[0], out[i] = i, out[0]
		}
	}
	return out
}

// release drops the body if nobody took it.
func (c *composed) release(f *File) {
	if c.body != nil {
		f.release(c.body)
	}
}
