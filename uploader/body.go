package uploader

import (
	"errors"
	"io"
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// body reads a range of a file under write straight from its chunks, without a
// copy of its own. It holds a reference on each, so that writers leave them
// alone, until release.
type body struct {
	u      *Uploader
	pieces []fragment
	size   int64

	at  int   // fragment
	off int64 // offset in it
}

// fragment is a run of bytes in a chunk, or of zeros where c is nil.
type fragment struct {
	c        *chunk
	from, to int64
	sum      uint64 // checksum, where known
	known    bool
	room     bool // to be filled in before the body is sent
}

// zeros is what holes are sent from.
var zeros [chunkSize]byte

// gather adds the range [from, to) of a cell; what is not held there is zeros.
func (b *body) gather(c *cell, from, to int64) {
	b.pieces = slices.Grow(b.pieces, int((to-from)/chunkSize)+2)
	whole := c.have.has(span{from, to}) // the usual case: nothing need be looked up
	for at := from; at < to; {
		i := at / chunkSize
		end := min(to, (i+1)*chunkSize)
		pg := &c.pages[i]
		switch {
		case pg.c == nil:
			b.zero(end - at)
		case whole:
			b.add(pg, span{at - i*chunkSize, end - i*chunkSize})
		default:
			for _, part := range cut(c.have, at, end) {
				if part.held {
					b.add(pg, span{part.from - i*chunkSize, part.to - i*chunkSize})
				} else {
					b.zero(part.len())
				}
			}
		}
		at = end
	}
}

// add adds a range of a page.
func (b *body) add(pg *page, s span) {
	f := fragment{c: pg.c, from: s.from, to: s.to}
	if f.from == 0 && f.to == int64(pg.sumLen) {
		f.sum, f.known = pg.sum, true
	}
	pg.c.refs++
	b.pieces = append(b.pieces, f)
	b.size += s.len()
}

type held struct {
	span
	held bool
}

// cut divides a range into what is in the set and what is not.
func cut(have spans, from, to int64) []held {
	if have.has(span{from, to}) {
		return []held{{span{from, to}, true}}
	}
	var out []held
	at := from
	for _, s := range have.within(span{from, to}) {
		if s.from > at {
			out = append(out, held{span{at, s.from}, false})
		}
		out = append(out, held{s, true})
		at = s.to
	}
	if at < to {
		out = append(out, held{span{at, to}, false})
	}
	return out
}

// zero adds n zero bytes.
func (b *body) zero(n int64) {
	if n > 0 {
		b.pieces = append(b.pieces, fragment{to: n})
		b.size += n
	}
}

// sum returns the checksum of the whole body, put together from those taken
// when the bytes arrived wherever that was possible.
func (b *body) sum(k crc) (uint64, error) {
	var total uint64
	for _, f := range b.pieces {
		n := f.to - f.from
		s := f.sum
		if !f.known {
			var err error
			if s, err = b.sumOf(k, f); err != nil {
				return 0, err
			}
		}
		total = k.combine(total, s, n)
	}
	return total, nil
}

func (b *body) sumOf(k crc, f fragment) (uint64, error) {
	var s uint64
	switch {
	case f.c == nil:
		for n := f.to - f.from; n > 0; n -= chunkSize {
			s = k.update(s, zeros[:min(n, chunkSize)])
		}
	case f.c.spilled():
		p := make([]byte, f.to-f.from)
		if err := b.u.spill.read(f.c.slot, p, f.from); err != nil {
			return 0, err
		}
		s = k.update(s, p)
	default:
		s = k.update(s, f.c.buf[f.from:f.to])
	}
	return s, nil
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && b.at < len(b.pieces) {
		f := b.pieces[b.at]
		k := min(int64(len(p)-n), f.to-f.from-b.off)
		dst := p[n : n+int(k)]
		switch {
		case f.c == nil:
			clear(dst)
		case f.c.spilled():
			if err := b.u.spill.read(f.c.slot, dst, f.from+b.off); err != nil {
				return n, err
			}
		default:
			copy(dst, f.c.buf[f.from+b.off:])
		}
		n += int(k)
		b.off += k
		if b.off == f.to-f.from {
			b.at, b.off = b.at+1, 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// WriteTo implements io.WriterTo: bytes go to the connection straight from the
// chunks, many of them with one call.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	var written int64
	var vector [][]byte
	for b.at < len(b.pieces) {
		var err error
		if vector, err = b.vector(vector[:0]); err != nil {
			return written, err
		}
		n, err := objstore.WriteVector(w, vector)
		written += n
		b.skip(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// vector appends where the next bytes are, up to patient.Piece bytes. What is spilled
// comes alone, for it takes memory of its own.
func (b *body) vector(out [][]byte) ([][]byte, error) {
	off, room := b.off, int64(patient.Piece)
	for _, f := range b.pieces[b.at:] {
		n := min(f.to-f.from-off, room)
		from := f.from + off
		off = 0
		switch {
		case n == 0:
			return out, nil
		case f.c == nil:
			n = min(n, chunkSize)
			out = append(out, zeros[:n])
			if n < f.to-f.from {
				return out, nil // the rest of it is next
			}
		case f.c.spilled():
			if len(out) > 0 {
				return out, nil
			}
			p := make([]byte, n)
			return append(out, p), b.u.spill.read(f.c.slot, p, from)
		default:
			out = append(out, f.c.buf[from:from+n])
		}
		room -= n
	}
	return out, nil
}

// skip moves on by n bytes.
func (b *body) skip(n int64) {
	b.off += n
	for b.at < len(b.pieces) && b.off >= b.pieces[b.at].to-b.pieces[b.at].from {
		b.off -= b.pieces[b.at].to - b.pieces[b.at].from
		b.at++
	}
}

// Seek implements io.Seeker.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		at := b.off
		for _, f := range b.pieces[:b.at] {
			at += f.to - f.from
		}
		offset += at
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 || offset > b.size {
		return 0, errors.New("seek outside the body")
	}
	b.at, b.off = 0, 0
	b.skip(offset)
	return offset, nil
}

// releaseLocked gives the references back; the file's mutex is held.
func (b *body) releaseLocked() {
	for _, f := range b.pieces {
		if f.c != nil {
			b.u.drop(f.c)
		}
	}
	b.pieces = nil
	b.u.pool.kick() // what the cells still hold may be reclaimed now
}

// sealBody makes what is sent of a body: with the digest that the store wants.
// sum is the checksum over the whole, for the object's own.
func (u *Uploader) sealBody(b *body) (out objstore.Body, sum uint64, err error) {
	out = objstore.Body{Reader: b, Size: b.size}
	if sum, err = b.sum(u.crc); err != nil {
		return out, 0, err
	}
	switch u.profile.Digest {
	case objstore.ContentMD5:
		out.Digest, err = md5Of(b)
	case objstore.DigestNone:
	default:
		out.Digest = u.crc.digest(sum)
	}
	if u.profile.AnswerDigest == u.crc.algorithm {
		out.Answer = u.crc.digest(sum)
	}
	return out, sum, err
}
