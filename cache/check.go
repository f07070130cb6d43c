package cache

import (
	"context"
	"errors"
	"fmt"
	"hash"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// ErrDamaged says that the bytes which were read are not those that were stored:
// the store's own checksum of the whole object is another one.
var ErrDamaged = errors.New("the object is not what its checksum says")

// check takes the checksum of the whole object while it is read from its beginning
// to its end, of the blocks in their order. It is guarded by Reader.mu.
type check struct {
	want objstore.Digest
	hash hash.Hash
	next int64 // index of the block that the hash takes next
}

// newCheck is nil where there is nothing to compare with, or where that would take
// longer than reading.
func newCheck(want objstore.Digest) *check {
	if want.Algorithm != objstore.CRC64NVME && want.Algorithm != objstore.CRC32C {
		return nil
	}
	return &check{want: want, hash: objstore.NewHash(want.Algorithm)}
}

// checkLocked takes in the blocks that are whole, as far as they are held. Those
// that let go of blocks call it before.
func (r *Reader) checkLocked() {
	if r.check == nil {
		return
	}
	for b := r.heldLocked(r.check.next); b != nil; b = r.heldLocked(r.check.next) {
		whole := b.whole()
		if whole {
			r.check.hash.Write(b.buf[:b.size])
			r.check.next++
		}
		b.release()
		if !whole {
			return
		}
	}
}

// finish is called with the end of the object. If all of it was read in order, it
// waits for what is still on its way, as the kernel's requests overtake each
// other, and tells whether it is what was stored.
func (r *Reader) finish(ctx context.Context) error {
	for {
		next, err := r.checked()
		if err != nil {
			r.s.forget(r.v)
			return err
		}
		if next == nil {
			return nil // it is sound, or something was left out
		}
		err = next.wait(ctx, next.size)
		next.release()
		if err != nil {
			return nil // who needs that block is told
		}
	}
}

// checked compares the sum with what the store says once all blocks were taken in; till
// then it returns the next one if it is held. Whoever comes with the end of a damaged
// object is told, also those who come at once: the kernel asks in several requests.
func (r *Reader) checked() (next *block, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.check == nil {
		return nil, r.damaged
	}
	r.checkLocked()
	if r.check.next < r.v.blocks() {
		return r.heldLocked(r.check.next), nil
	}
	sum, want := r.check.hash.Sum(nil), r.check.want
	r.check = nil
	if string(sum) != string(want.Sum) {
		r.damaged = fmt.Errorf("read %q: %w: %s is %x instead of %x", r.v.key, ErrDamaged, want.Algorithm, sum, want.Sum)
	}
	return nil, r.damaged
}

// forget drops all blocks of a version that nobody holds, so that the next reader of
// what was found to be damaged fetches it again. ristretto is waited for: it
// may be about to take in one that was given to it before, and shows it till it comes
// to the deletion.
func (s *blocks) forget(v *version) {
	for i := range v.blocks() {
		s.whole.Del(v.id(i))
	}
	s.whole.Wait()
	if v.disk != nil {
		v.disk.Remove()
	}
}
