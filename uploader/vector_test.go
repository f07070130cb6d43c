package uploader_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// vectored is a store that takes bodies as a connection does: from many places in
// memory at once.
type vectored struct {
	*mem.Store
	t *testing.T
}

func (v *vectored) Put(ctx context.Context, key string, b objstore.Body, o objstore.PutOptions) (objstore.Info, error) {
	b.Reader = v.gather(b)
	return v.Store.Put(ctx, key, b, o)
}

func (v *vectored) UploadPart(ctx context.Context, up objstore.UploadRef, n int32, b objstore.Body) (objstore.Part, error) {
	b.Reader = v.gather(b)
	return v.Store.UploadPart(ctx, up, n, b)
}

func (v *vectored) gather(b objstore.Body) *bytes.Reader {
	w := &gathering{t: v.t}
	if b.Size == 0 {
		return bytes.NewReader(nil)
	}
	// The first bytes are read: net/http sends them along with the headers.
	first := make([]byte, min(1000, b.Size))
	if _, err := io.ReadFull(b.Reader, first); err != nil {
		v.t.Error(err)
	}
	w.all = first
	n, err := b.Reader.(io.WriterTo).WriteTo(w)
	if err != nil || n != b.Size-int64(len(first)) {
		v.t.Errorf("%d bytes of %d came, %v", n, b.Size, err)
	}
	return bytes.NewReader(w.all)
}

type gathering struct {
	t   *testing.T
	all []byte
}

func (g *gathering) Write([]byte) (int, error) { return 0, fmt.Errorf("not in a vector") }

// WriteVector implements objstore.VectorWriter, and changes p as it may.
func (g *gathering) WriteVector(p [][]byte) (int64, error) {
	var n int64
	for i := range p {
		g.all = append(g.all, p[i]...)
		n += int64(len(p[i]))
		p[i] = nil
	}
	if n > 1<<20 {
		g.t.Errorf("%d bytes with one call: too many to stop in between", n)
	}
	return n, nil
}

// TestVectors sends what lies in chunks, in holes and in the spill file.
func TestVectors(t *testing.T) {
	store := &vectored{mem.New(tight()), t}
	u := newUploader(t, store, tightConfig(t, store.Profile()))
	write := func(name string, size int, skip func(off int) bool) {
		const block = 40_000
		data := noise(uint64(size), size)
		f := u.Open(name, uploader.OpenOptions{})
		for off := 0; off < size; off += block {
			if skip(off) {
				clear(data[off:min(size, off+block)])
			} else {
				mustWrite(t, f, data[off:min(size, off+block)], int64(off))
			}
		}
		mustCommit(t, f)
		holds(t, store.Store, name, data)
		mustClose(t, f)
	}
	never := func(int) bool { return false }
	write("small", 1500, never)
	write("threshold", 2*cell, never)
	write("large", 20*cell+1, never)
	write("holes", 20*cell+1, func(off int) bool { return off > 0 && off%120_000 == 0 })
	write("sparse", 20*cell+1, func(off int) bool { return off > 0 && off < 19*cell })
	if u.Stats().SpillTotal == 0 {
		t.Error("nothing was spilled")
	}
	nothingLeft(t, u, store.Store)
}
