package fault

import (
	"context"
	"io"
)

// flipped is a body in which one byte changes on its way to the store.
type flipped struct {
	r   io.ReadSeeker
	at  int64
	pos int64
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	flip(p[:n], f.at-f.pos)
	f.pos += int64(n)
	return n, err
}

func (f *flipped) Seek(offset int64, whence int) (int64, error) {
	pos, err := f.r.Seek(offset, whence)
	f.pos = pos
	return pos, err
}

func flip(p []byte, at int64) {
	if at >= 0 && at < int64(len(p)) {
		p[at] ^= 1
	}
}

// readerAt reads a seekable body at offsets, for one goroutine at a time.
type readerAt struct{ r io.ReadSeeker }

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if _, err := r.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(r.r, p)
}

// answer is a body that is spoilt on its way from the store.
type answer struct {
	ctx  context.Context // of the call
	body io.ReadCloser
	rule *Rule
	at   int64
	pos  int64
}

func (a *answer) Read(p []byte) (int, error) {
	if a.rule.Mode == Truncate || a.rule.Mode == Stall {
		if a.pos >= a.at {
			return 0, a.stop()
		}
		p = p[:min(int64(len(p)), a.at-a.pos)]
	}
	n, err := a.body.Read(p)
	if a.rule.Mode == Corrupt {
		flip(p[:n], a.at-a.pos)
	}
	a.pos += int64(n)
	return n, err
}

// stop is the error behind the last byte that the rule lets through.
func (a *answer) stop() error {
	if a.rule.Mode == Truncate {
		return io.ErrUnexpectedEOF
	}
	<-a.ctx.Done()
	return a.ctx.Err()
}

func (a *answer) Close() error { return a.body.Close() }
