package mem

import (
	"bytes"
	"errors"
	"io"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// blob is an immutable run of bytes. Blobs share slices with each other.
type blob struct {
	chunks [][]byte
	size   int64
}

func blobOf(b []byte) blob {
	if len(b) == 0 {
		return blob{}
	}
	return blob{[][]byte{b}, int64(len(b))}
}

// slice returns n bytes from off on, which must lie inside.
func (b blob) slice(off, n int64) blob {
	out := blob{size: n}
	for _, c := range b.chunks {
		size := int64(len(c))
		if n == 0 {
			break
		}
		if off >= size {
			off -= size
			continue
		}
		k := min(size-off, n)
		out.chunks = append(out.chunks, c[off:off+k:off+k])
		off, n = 0, n-k
	}
	return out
}

func joinBlobs(blobs []blob) blob {
	var out blob
	for _, b := range blobs {
		out.chunks = append(out.chunks, b.chunks...)
		out.size += b.size
	}
	return out
}

func (b blob) bytes() []byte { return bytes.Join(b.chunks, nil) }

func (b blob) sum(a objstore.Algorithm) objstore.Digest {
	return objstore.SumOf(a, b.chunks...)
}

// errBodySize says that a caller's body has not the size that it announced.
var errBodySize = errors.New("body is not of the announced size")

// readBody reads a body from its start. A body of another length than it says
// is an error, as it is for an HTTP client.
func readBody(body objstore.Body) ([]byte, error) {
	if body.Reader == nil {
		if body.Size != 0 {
			return nil, errBodySize
		}
		return nil, nil
	}
	if _, err := body.Reader.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	b := make([]byte, body.Size)
	switch n, err := io.ReadFull(body.Reader, b); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return b[:n], errBodySize
	case err != nil:
		return b[:n], err
	}
	var more [1]byte
	switch n, err := body.Reader.Read(more[:]); {
	case n > 0:
		return b, errBodySize
	case err != nil && err != io.EOF:
		return b, err
	}
	return b, nil
}

// blobReader reads a blob and counts what was taken.
type blobReader struct {
	call   call
	chunks [][]byte
}

func (r *blobReader) Read(p []byte) (n int, err error) {
	for n < len(p) && len(r.chunks) > 0 {
		k := copy(p[n:], r.chunks[0])
		n += k
		if r.chunks[0] = r.chunks[0][k:]; len(r.chunks[0]) == 0 {
			r.chunks = r.chunks[1:]
		}
	}
	r.call.out(int64(n))
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// WriteTo spares the copy into a buffer of the caller's.
func (r *blobReader) WriteTo(w io.Writer) (total int64, err error) {
	for len(r.chunks) > 0 {
		n, err := w.Write(r.chunks[0])
		total += int64(n)
		r.call.out(int64(n))
		r.chunks[0] = r.chunks[0][n:]
		if err != nil {
			return total, err
		}
		r.chunks = r.chunks[1:]
	}
	return total, nil
}

func (r *blobReader) Close() error {
	r.chunks = nil
	return nil
}
