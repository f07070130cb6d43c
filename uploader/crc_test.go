package uploader

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// storeWith is a store that verifies a digest, or tells it of what it got.
func storeWith(a objstore.Algorithm) *objstore.Profile {
	if a == objstore.CRC64ECMA {
		return &objstore.Profile{Digest: objstore.ContentMD5, AnswerDigest: a}
	}
	return &objstore.Profile{Digest: a}
}

// TestCRC puts checksums of pieces together and holds them against one taken
// over the whole by the package that the stores use.
func TestCRC(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, a := range []objstore.Algorithm{objstore.CRC32C, objstore.CRC64NVME, objstore.CRC64ECMA} {
		k := crcOf(storeWith(a))
		if k.algorithm != a {
			t.Fatalf("%s is taken for %s", k.algorithm, a)
		}
		for round := range 300 {
			var whole []byte
			var total uint64
			for range r.IntN(6) {
				p := make([]byte, r.IntN(1<<r.IntN(15))) // often none
				for i := range p {
					p[i] = byte(r.Uint32())
				}
				if round%3 == 0 {
					clear(p) // zeros are what a checksum loses most easily
				}
				half := len(p) / 2
				total = k.combine(total, k.update(k.update(0, p[:half]), p[half:]), int64(len(p)))
				whole = append(whole, p...)
			}
			want := objstore.SumOf(a, whole)
			if got := k.digest(total); !got.Equal(want) {
				t.Fatalf("%s of %d bytes in pieces is %x, want %x", a, len(whole), got.Sum, want.Sum)
			}
			if back, ok := k.sum(want); !ok || back != total {
				t.Fatalf("%s read back is %x %v, want %x", a, back, ok, total)
			}
		}
	}
}

// TestCRCPower holds the advance over n zeros against sending them.
func TestCRCPower(t *testing.T) {
	for _, a := range []objstore.Algorithm{objstore.CRC32C, objstore.CRC64NVME, objstore.CRC64ECMA} {
		k := crcOf(storeWith(a))
		head := k.update(0, []byte("head"))
		for _, n := range []int64{0, 1, 7, 8, 63, 64, 65, 4095, 65536, 1 << 20} {
			tail := make([]byte, n)
			if got, want := k.combine(head, k.update(0, tail), n), k.update(head, tail); got != want {
				t.Errorf("%s and %d zeros: %x, want %x", a, n, got, want)
			}
		}
	}
}

func TestCRCReadsOnlyItsOwn(t *testing.T) {
	for _, c := range []struct {
		of objstore.Algorithm
		d  objstore.Digest
		ok bool
	}{
		{objstore.CRC32C, objstore.Digest{Algorithm: objstore.CRC32C, Sum: make([]byte, 4)}, true},
		{objstore.CRC32C, objstore.Digest{Algorithm: objstore.CRC32C, Sum: make([]byte, 8)}, false},
		{objstore.CRC32C, objstore.Digest{Algorithm: objstore.CRC64NVME, Sum: make([]byte, 8)}, false},
		{objstore.CRC64NVME, objstore.Digest{Algorithm: objstore.CRC64NVME, Sum: make([]byte, 4)}, false},
		{objstore.CRC64NVME, objstore.Digest{}, false},
		{objstore.ContentMD5, objstore.Digest{Algorithm: objstore.CRC64NVME, Sum: make([]byte, 8)}, true}, // guards memory
	} {
		if _, ok := crcOf(storeWith(c.of)).sum(c.d); ok != c.ok {
			t.Errorf("%s reads %v: %v", c.of, c.d, ok)
		}
	}
}

func TestMD5OfRewinds(t *testing.T) {
	r := bytes.NewReader([]byte("some bytes"))
	d, err := md5Of(r)
	if err != nil || !d.Equal(objstore.SumOf(objstore.ContentMD5, []byte("some bytes"))) {
		t.Errorf("%x, %v", d.Sum, err)
	}
	if r.Len() != 10 {
		t.Errorf("%d bytes left to read, want all", r.Len())
	}
}
