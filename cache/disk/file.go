package disk

import (
	"hash/crc32"
	"os"

	"github.com/minio/crc64nvme"
)

// File is an object as a file of the local disk.
type File struct {
	*os.File
	Sums  Sums // of all of it
	stamp stamp
}

// Sound reports that nobody has written to the file since it was found to be right.
func (f *File) Sound() bool {
	now, err := stampOf(f.File)
	return err == nil && now == f.stamp
}

// Sums are the checksums of a whole object, to be compared with those that a store has of it.
type Sums struct {
	CRC64NVME uint64
	CRC32C    uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// add takes in the bytes that follow.
func (s *Sums) add(p []byte) {
	s.CRC64NVME = crc64nvme.Update(s.CRC64NVME, p)
	s.CRC32C = crc32.Update(s.CRC32C, castagnoli, p)
}
