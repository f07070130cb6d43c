package objstore

import "io"

// VectorWriter is an [io.Writer] that takes what lies in several places of memory
// with one call. It may change p, but not what p refers to.
type VectorWriter interface {
	io.Writer
	WriteVector(p [][]byte) (int64, error)
}

// WriteVector writes what p refers to, with one call where w can.
func WriteVector(w io.Writer, p [][]byte) (int64, error) {
	if v, ok := w.(VectorWriter); ok {
		return v.WriteVector(p)
	}
	var written int64
	for _, piece := range p {
		n, err := w.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
