package objstore

// Algorithm names a digest.
type Algorithm string

// The digests that stores verify. The values of the CRC ones are their wire names.
const (
	DigestNone Algorithm = ""
	ContentMD5 Algorithm = "MD5"       // sent as Content-MD5; every store knows it
	CRC32C     Algorithm = "CRC32C"    // sent as x-amz-checksum-crc32c
	CRC64NVME  Algorithm = "CRC64NVME" // sent as x-amz-checksum-crc64nvme
	CRC64ECMA  Algorithm = "CRC64ECMA" // never sent: some stores compute it by themselves and tell it
)

// Digest is a checksum of some bytes. Sum is big-endian for the CRCs; it is
// shared and must not be changed.
type Digest struct {
	Algorithm Algorithm
	Sum       []byte
}

// IsZero reports that there is no digest.
func (d Digest) IsZero() bool { return d.Algorithm == DigestNone }

// Equal reports that both are of one algorithm and one value.
func (d Digest) Equal(o Digest) bool {
	return d.Algorithm == o.Algorithm && string(d.Sum) == string(o.Sum)
}
