package mem

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestBlobSlice(t *testing.T) {
	whole := []byte("abcdefghij")
	b := joinBlobs([]blob{blobOf(whole[:3]), blobOf(nil), blobOf(whole[3:4]), blobOf(whole[4:])})
	for off := range len(whole) + 1 {
		for n := range len(whole) - off + 1 {
			got := b.slice(int64(off), int64(n))
			if want := whole[off : off+n]; !bytes.Equal(got.bytes(), want) || got.size != int64(n) {
				t.Errorf("slice(%d, %d) is %q of size %d, want %q", off, n, got.bytes(), got.size, want)
			}
		}
	}
}

func TestReadBody(t *testing.T) {
	for _, c := range []struct {
		name string
		body objstore.Body
		want error
	}{
		{"right", objstore.Body{Reader: bytes.NewReader([]byte("abc")), Size: 3}, nil},
		{"empty without reader", objstore.Body{}, nil},
		{"short", objstore.Body{Reader: bytes.NewReader([]byte("ab")), Size: 3}, errBodySize},
		{"long", objstore.Body{Reader: bytes.NewReader([]byte("abcd")), Size: 3}, errBodySize},
		{"missing", objstore.Body{Size: 3}, errBodySize},
	} {
		if _, err := readBody(c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestReadBodyFromItsStart(t *testing.T) {
	r := bytes.NewReader([]byte("abc"))
	io.CopyN(io.Discard, r, 2)
	if b, err := readBody(objstore.Body{Reader: r, Size: 3}); err != nil || string(b) != "abc" {
		t.Fatalf("got %q, %v", b, err)
	}
}
