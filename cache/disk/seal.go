package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// seal is what is kept beside a segment that was proved and is on the disk, for
// later mounts. It counts until the machine starts anew, or somebody writes to the data.
type seal struct {
	boot    boot
	born    birth
	stamp   stamp // of the data
	vouched bool  // see proof
}

// bytes are the seal as a file, with their checksum at the end.
func (s seal) bytes() []byte {
	var b bytes.Buffer
	b.Write(s.boot[:])
	b.Write(s.born[:])
	for _, n := range []uint64{s.stamp.inode, s.stamp.links, uint64(s.stamp.sec), uint64(s.stamp.nsec)} {
		b.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
	if s.vouched {
		b.WriteByte(1)
	} else {
		b.WriteByte(0)
	}
	return binary.LittleEndian.AppendUint64(b.Bytes(), sumOf(b.Bytes()))
}

func sealPath(dir string) string { return filepath.Join(dir, "seal") }

// writeSeal keeps a seal. Mounts that do so at the same time write the same.
func writeSeal(dir string, s seal) error {
	if s.boot == (boot{}) {
		return nil
	}
	f, err := os.OpenFile(sealPath(dir), os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the segment was removed
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(s.bytes(), 0)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write seal: %w", err)
	}
	return nil
}

// recall takes over what the seal of a segment says, if it is about what is there.
func (t *Tier) recall(dir string, data *os.File, p *proof) {
	b, err := os.ReadFile(sealPath(dir))
	if err != nil || t.boot == (boot{}) {
		return
	}
	now, err := stampOf(data)
	if err != nil {
		return
	}
	for _, vouched := range []bool{false, true} {
		if bytes.Equal(b, seal{t.boot, p.born, now, vouched}.bytes()) {
			p.recall(now, vouched)
		}
	}
}
