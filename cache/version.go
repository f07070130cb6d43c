package cache

import (
	"slices"
	"sync"

	"github.com/sluicefs/sluicefs/cache/disk"
)

// version is one state of an object, which never changes: a key and an ETag. All
// readers of it share one, and through it the blocks that are being filled.
type version struct {
	key, etag string
	size      int64 // bytes
	hash      uint64
	users     int          // readers; guarded by blocks.mu
	disk      *disk.Object // nil where it has no place on the disk

	mu     sync.Mutex
	flying map[int64]*block // being filled, by index
}

// pinned reports that the version has an ETag to be known by. One without is
// its reader's alone and is not cached.
func (v *version) pinned() bool { return v.etag != "" }

// onDisk reports for each block of a range whether the disk seems to have it.
func (v *version) onDisk(from, to int64) []bool {
	if v.disk == nil {
		return make([]bool, to-from)
	}
	return v.disk.Present(from, to)
}

// allOnDisk reports that the disk seems to have all of a range of bytes.
func (v *version) allOnDisk(off, n int64) bool {
	return !slices.Contains(v.onDisk(off/blockSize, (off+n+blockSize-1)/blockSize), false)
}

// blocks counts the blocks of the whole object.
func (v *version) blocks() int64 { return (v.size + blockSize - 1) / blockSize }

// blockLen is the size of a block, in bytes: of the last one what is left.
func (v *version) blockLen(index int64) int { return int(min(blockSize, v.size-index*blockSize)) }

// id is the name of a block in the cache of whole blocks.
func (v *version) id(index int64) uint64 {
	x := v.hash + uint64(index)*0x9e3779b97f4a7c15
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

// is reports that a block is what its id says: ids are hashes.
func (b *block) is(v *version, index int64) bool {
	return b.index == index && (b.of == v || b.of.key == v.key && b.of.etag == v.etag)
}

// findLocked returns a block that is there or on its way, held for the caller,
// or nil. The caller holds v.mu.
func (s *blocks) findLocked(v *version, index int64) *block {
	if b := v.flying[index]; b != nil && b.hold() {
		return b
	}
	if !v.pinned() {
		return nil
	}
	if b, ok := s.whole.Get(v.id(index)); ok && b != nil && b.is(v, index) && b.hold() {
		return b
	}
	return nil
}

// find is findLocked for all blocks of a range that are there. The others are nil.
func (s *blocks) find(v *version, from, to int64) []*block {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := make([]*block, to-from)
	for i := range found {
		found[i] = s.findLocked(v, from+int64(i))
	}
	return found
}
