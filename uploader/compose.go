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
// zeros. The caller has the file to itself, and releases the body.
//
// Only one body of the mount waits for memory at a time: it pins the chunks it
// gathered, which then cannot be spilled, and needs at most another part's worth.
func (f *File) compose(ctx context.Context, s span) (*body, error) {
	if err := f.u.composing.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	b := &body{u: f.u}
	f.mu.Lock()
	wanted := f.gatherLocked(b, s)
	f.mu.Unlock()
	n := 0
	for _, w := range wanted {
		n += int((w.len() + chunkSize - 1) / chunkSize)
	}
	var fresh []*chunk
	var err error
	if n > 0 {
		fresh, err = f.chunks(ctx, n)
	}
	f.u.composing.Release(1)
	if err == nil && n > 0 {
		err = f.download(ctx, b, wanted, fresh)
	}
	if err != nil {
		f.release(b)
		return nil, err
	}
	return b, nil
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
	defer func() { f.u.pool.put(fresh) }()
	var out []fragment
	i := 0
	for k, p := range b.pieces {
		if !p.room {
			out = append(out, p)
			continue
		}
		got, err := f.downloadRange(ctx, wanted[i], &fresh)
		out = append(out, got...)
		if err != nil {
			b.pieces = append(out, b.pieces[k+1:]...)
			return err
		}
		i++
	}
	b.pieces = out
	return nil
}

// downloadRange reads one range of an object into chunks taken from fresh.
func (f *File) downloadRange(ctx context.Context, r remote, fresh *[]*chunk) ([]fragment, error) {
	data, info, err := f.get(ctx, r)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	f.mu.Lock()
	f.learnLocked(info)
	f.mu.Unlock()
	var out []fragment
	for left := r.len(); left > 0; {
		n := min(left, chunkSize)
		k := (*fresh)[len(*fresh)-1]
		*fresh = (*fresh)[:len(*fresh)-1]
		out = append(out, fragment{c: k, to: n})
		if _, err := io.ReadFull(data, k.buf[:n]); err != nil {
			return out, fmt.Errorf("read %q: %w", r.src.key, shortRead(err))
		}
		left -= n
	}
	return out, nil
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

// release drops the body if nobody took it.
func (c *composed) release(f *File) {
	if c.body != nil {
		f.release(c.body)
	}
}
