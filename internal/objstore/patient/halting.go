package patient

import (
	"context"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// halting is a body on its way that goes no further once its context has ended.
type halting struct {
	r    io.ReadSeeker
	size int64
	ctx  context.Context

	pos   int64
	whole bool // all of it went out, at this attempt or an earlier one
}

// Piece is how many bytes go out in one piece, after which a body may go no further. A
// body that writes vectors has none that are larger.
const Piece = 1 << 20

func (h *halting) went(n int) {
	h.pos += int64(n)
	h.whole = h.whole || h.pos >= h.size
}

// Read implements io.Reader.
func (h *halting) Read(p []byte) (int, error) {
	if h.ctx.Err() != nil {
		return 0, context.Cause(h.ctx)
	}
	n, err := h.r.Read(p)
	h.went(n)
	return n, err
}

// Seek implements io.Seeker.
func (h *halting) Seek(offset int64, whence int) (int64, error) {
	pos, err := h.r.Seek(offset, whence)
	h.pos = pos
	return pos, err
}

// WriteTo implements io.WriterTo.
func (h *halting) WriteTo(w io.Writer) (int64, error) { return io.Copy(haltingWriter{h, w}, h.r) }

// haltingWriter is where a halting body goes.
type haltingWriter struct {
	h *halting
	w io.Writer
}

// WriteVector implements objstore.VectorWriter. A body's vectors are no larger than
// Piece.
func (o haltingWriter) WriteVector(p [][]byte) (int64, error) {
	if o.h.ctx.Err() != nil {
		return 0, context.Cause(o.h.ctx)
	}
	n, err := objstore.WriteVector(o.w, p)
	o.h.went(int(n))
	return n, err
}

func (o haltingWriter) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if o.h.ctx.Err() != nil {
			return written, context.Cause(o.h.ctx)
		}
		n, err := o.w.Write(p[written:min(len(p), written+Piece)])
		written += n
		o.h.went(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
