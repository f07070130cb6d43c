package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// seal is what is kept beside a segment that is sealed, for later mounts. It counts until the
// machine starts anew, or somebody writes to the data.
type seal struct {
	boot  boot
	born  birth
	stamp stamp // of the data
	sums  Sums
}

// sealSize is that of the file, in bytes.
const sealSize = len(boot{}) + birthSize + 4*8 + sumsSize + 8

const sumsSize = 8 + 4

// head is what a seal has to begin with, to be about a segment as it is now.
func (s *seal) head() []byte {
	b := append(s.boot[:len(s.boot):len(s.boot)], s.born[:]...)
	for _, n := range []uint64{s.stamp.inode, s.stamp.links, uint64(s.stamp.sec), uint64(s.stamp.nsec)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// bytes are the seal as a file, with their checksum at the end.
func (s *seal) bytes() []byte {
	b := binary.LittleEndian.AppendUint64(s.head(), s.sums.CRC64NVME)
	b = binary.LittleEndian.AppendUint32(b, s.sums.CRC32C)
	return binary.LittleEndian.AppendUint64(b, sumOf(b))
}

func sealPath(dir string) string { return filepath.Join(dir, "seal") }

// write keeps a seal. Mounts that do so at the same time write the same.
func (s *seal) write(dir string) error {
	if s.boot == (boot{}) {
		return nil
	}
	err := os.WriteFile(sealPath(dir), s.bytes(), 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the segment was removed
	}
	if err != nil {
		return fmt.Errorf("write seal: %w", err)
	}
	return nil
}

// recall takes over what the seal of a segment says, if it is about what is there.
func (t *Tier) recall(dir string, data *os.File, p *proof) {
	b, err := os.ReadFile(sealPath(dir))
	if err != nil || len(b) != sealSize || t.boot == (boot{}) {
		return
	}
	now, err := stampOf(data)
	if err != nil {
		return
	}
	s := seal{boot: t.boot, born: p.born, stamp: now}
	sums := b[len(s.head()):]
	s.sums = Sums{CRC64NVME: binary.LittleEndian.Uint64(sums), CRC32C: binary.LittleEndian.Uint32(sums[8:])}
	if bytes.Equal(b, s.bytes()) {
		p.recall(now, s.sums)
	}
}
