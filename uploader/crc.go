package uploader

import (
	"crypto/md5"
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/minio/crc64nvme"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// crc is a checksum that can be taken piece by piece, in any order, and put
// together afterwards: that is what lets a part's digest be taken over the
// bytes as they arrive from the kernel.
type crc struct {
	algorithm objstore.Algorithm
	update    func(sum uint64, p []byte) uint64
	poly      uint64 // reflected
	bits      uint   // 32 or 64
	page      uint64 // what power gives for chunkSize, by far the commonest length
}

// crcOf returns the checksum to take for a store: the one that it verifies, else the
// one that it tells of what it got. Stores that verify MD5 only get one computed when
// a part leaves; the checksum still guards its bytes meanwhile.
func crcOf(p *objstore.Profile) crc {
	c := crc{algorithm: objstore.CRC64NVME, update: crc64nvme.Update, poly: 0x9a6c9329ac4bc9b5, bits: 64}
	switch {
	case p.Digest == objstore.CRC32C:
		table := crc32.MakeTable(crc32.Castagnoli)
		c = crc{algorithm: p.Digest, poly: 0x82f63b78, bits: 32, update: func(sum uint64, p []byte) uint64 {
			return uint64(crc32.Update(uint32(sum), table, p))
		}}
	case p.Digest != objstore.CRC64NVME && p.AnswerDigest == objstore.CRC64ECMA:
		table := crc64.MakeTable(crc64.ECMA)
		c = crc{algorithm: p.AnswerDigest, poly: crc64.ECMA, bits: 64, update: func(sum uint64, p []byte) uint64 {
			return crc64.Update(sum, table, p)
		}}
	}
	c.page = c.power(chunkSize)
	return c
}

// combine returns the checksum of A followed by B, of which B has n bytes: A's
// is advanced over n zero bytes, that is, multiplied by x^8n.
func (c crc) combine(a, b uint64, n int64) uint64 {
	if n == 0 {
		return a
	}
	shift := c.page
	if n != chunkSize {
		shift = c.power(n)
	}
	return c.multiply(shift, a) ^ b
}

// multiply multiplies two polynomials modulo the CRC's. Bits are reflected: the
// highest bit is the coefficient of x^0.
func (c crc) multiply(a, b uint64) uint64 {
	var product uint64
	for m := uint64(1) << (c.bits - 1); m != 0 && a != 0; m >>= 1 {
		if a&m != 0 {
			product ^= b
			a &^= m
		}
		if b&1 != 0 {
			b = b>>1 ^ c.poly
		} else {
			b >>= 1
		}
	}
	return product
}

// power returns x^8n modulo the CRC's polynomial, by repeated squaring.
func (c crc) power(n int64) uint64 {
	result := uint64(1) << (c.bits - 1) // x^0
	square := uint64(1) << (c.bits - 9) // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = c.multiply(result, square)
		}
		square = c.multiply(square, square)
	}
	return result
}

// digest puts a sum into the form that travels.
func (c crc) digest(sum uint64) objstore.Digest {
	if c.bits == 32 {
		return objstore.Digest{Algorithm: c.algorithm, Sum: binary.BigEndian.AppendUint32(nil, uint32(sum))}
	}
	return objstore.Digest{Algorithm: c.algorithm, Sum: binary.BigEndian.AppendUint64(nil, sum)}
}

// sum reads a digest of this algorithm back; ok is false for any other.
func (c crc) sum(d objstore.Digest) (sum uint64, ok bool) {
	switch {
	case d.Algorithm != c.algorithm:
		return 0, false
	case c.bits == 32 && len(d.Sum) == 4:
		return uint64(binary.BigEndian.Uint32(d.Sum)), true
	case c.bits == 64 && len(d.Sum) == 8:
		return binary.BigEndian.Uint64(d.Sum), true
	}
	return 0, false
}

// md5Of reads a body to its end and back to its start.
func md5Of(r io.ReadSeeker) (objstore.Digest, error) {
	h := md5.New()
	if _, err := io.Copy(h, r); err != nil {
		return objstore.Digest{}, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return objstore.Digest{}, err
	}
	return objstore.Digest{Algorithm: objstore.ContentMD5, Sum: h.Sum(nil)}, nil
}
