package disk

import (
	"encoding/binary"
	"os"
	"sync/atomic"
)

// pair is the files of a segment as they were opened. They are closed when the segment has let go
// of them and no call uses them any more, so that nobody finds them closed.
type pair struct {
	data, sums *os.File
	proof      *proof
	users      atomic.Int64 // the segment, and calls under way
}

func newPair(data, sums *os.File, proof *proof) *pair {
	f := &pair{data: data, sums: sums, proof: proof}
	f.users.Store(1)
	return f
}

// take is for a call that uses the files: release has to follow. Somebody else uses them meanwhile.
func (f *pair) take() *pair {
	if f != nil {
		f.users.Add(1)
	}
	return f
}

func (f *pair) release() {
	if f.users.Add(-1) == 0 {
		f.data.Close()
		f.sums.Close()
	}
}

// removed reports that the data has no name any more, or cannot be looked at.
func (f *pair) removed() bool {
	now, err := stampOf(f.data)
	return err != nil || now.unlinked()
}

// slot is the checksum of a block, or 0.
func (f *pair) slot(place int64) uint64 {
	var slot [slotSize]byte
	if _, err := f.sums.ReadAt(slot[:], slotAt(place)); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(slot[:])
}
