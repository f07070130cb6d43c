package disk

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/crc64nvme"
)

const (
	// touchEvery is how exact the time of use is.
	touchEvery = 10 * time.Second
	// lookEvery is how long a segment that is not there is not looked for again:
	// another mount may make it.
	lookEvery = time.Second
	// birthSize is the head of a sums file, in bytes: what was drawn when the segment
	// was made. Numbers of files are given out again, this is not.
	birthSize = 16
	slotSize  = 8
)

type birth [birthSize]byte

func slotAt(place int64) int64 { return birthSize + place*slotSize }

// segment is a part of an object: two files, or nothing yet.
type segment struct {
	t      *Tier
	o      *Object
	name   string
	size   int64 // bytes
	blocks int64

	used atomic.Int64 // when its files were asked for last, in ns of Tier.clock

	mu      sync.RWMutex
	open    *pair     // nil where nothing is there, or nobody has asked for it
	looked  time.Time // when it was not there
	touched time.Time
}

func newSegment(o *Object, name string, size int64) *segment {
	block := int64(o.t.cfg.Block)
	return &segment{t: o.t, o: o, name: name, size: size, blocks: (size + block - 1) / block}
}

// dir is where the files are, or would be.
func (s *segment) dir() string { return s.t.dir(s.name) }

func (t *Tier) dir(name string) string { return filepath.Join(t.root, name[:2], name) }

func (s *segment) offset(place int64) int64 { return place * int64(s.t.cfg.Block) }

// files returns the files if they are there, or nil. The caller releases them.
func (s *segment) files() *pair {
	s.used.Store(int64(s.t.clock()))
	f, missing := s.opened()
	if f != nil || missing {
		return f
	}
	f = s.find()
	if f != nil {
		s.o.opens(s)
	}
	return f
}

// opened returns the files if they are open. If not, it tells whether it is known that they are
// not there.
func (s *segment) opened() (f *pair, missing bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.open.take(), time.Since(s.looked) < lookEvery
}

// find opens the files if they are there.
func (s *segment) find() *pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		if err := s.openLocked(); err != nil {
			s.looked = time.Now()
			if !errors.Is(err, os.ErrNotExist) {
				s.t.warn(err)
			}
		}
	}
	return s.open.take()
}

// openLocked opens what is there. A segment that is not what it should be, cut by
// a disk that was full or by somebody else, is removed.
func (s *segment) openLocked() error {
	data, err := os.OpenFile(filepath.Join(s.dir(), "data"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	sums, err := os.OpenFile(filepath.Join(s.dir(), "sums"), os.O_RDWR, 0)
	if err != nil {
		data.Close()
		return err
	}
	var born birth
	if _, err := sums.ReadAt(born[:], 0); err == nil && born != (birth{}) && sized(data, s.size) && sized(sums, slotAt(s.blocks)) {
		s.open = newPair(data, sums, s.t.proofOf(s, born, data))
		return nil
	}
	data.Close()
	sums.Close()
	if err := s.t.discard(s.name); err != nil {
		return err
	}
	return fmt.Errorf("segment %s is of another size: %w", s.name, os.ErrNotExist)
}

func sized(f *os.File, size int64) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// close frees the files.
func (s *segment) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *segment) closeLocked() {
	if s.open != nil {
		s.open.release()
		s.open = nil
	}
}

// closeRemoved frees the files if they have no names any more. That may take the disk a while, and
// nobody waits for it.
func (s *segment) closeRemoved() {
	f, _ := s.opened()
	if f == nil {
		return
	}
	defer f.release()
	if !f.removed() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == f {
		s.closeLocked()
	}
}

// present tells which blocks have a slot, from a place on.
func (s *segment) present(place int64, there []bool) {
	f := s.files()
	if f == nil {
		return
	}
	defer f.release()
	b := make([]byte, len(there)*slotSize)
	n, _ := f.sums.ReadAt(b, slotAt(place)) // what could not be read is not there
	for i := range n / slotSize {
		there[i] = binary.LittleEndian.Uint64(b[i*slotSize:]) != 0
	}
}

// read reads a block and holds it against its slot.
func (s *segment) read(place int64, p []byte) error {
	f := s.files()
	if f == nil {
		return ErrAbsent
	}
	defer f.release()
	if err := s.load(f, place, p); err != nil {
		return err
	}
	f.proof.add(place)
	s.touch(f)
	s.t.used.Store(int64(s.t.clock()))
	s.t.counts.read.Add(int64(len(p)))
	return nil
}

// load is read, but for the use that it is of. A block that is damaged, or that the disk cannot
// read, is not there any more.
func (s *segment) load(f *pair, place int64, p []byte) error {
	want := f.slot(place)
	if want == 0 {
		f.proof.remove(place)
		return ErrAbsent
	}
	_, failed := f.data.ReadAt(p, s.offset(place))
	if failed == nil && sumOf(p) == want {
		return nil
	}
	s.t.counts.damaged.Add(1)
	f.proof.remove(place)
	_, err := f.sums.WriteAt(make([]byte, slotSize), slotAt(place))
	if err != nil { // later mounts must not believe that it is right
		err = errors.Join(err, os.Remove(sealPath(s.dir())))
	}
	if err = errors.Join(failed, err); err != nil {
		s.t.warn(err)
	}
	return errors.Join(fmt.Errorf("%w: block %d of %s is damaged", ErrAbsent, place, s.name), err)
}

// write keeps a block. It reports whether it did: it may be there already.
func (s *segment) write(place int64, p []byte) (bool, error) {
	f, err := s.make()
	if err != nil {
		return false, err
	}
	defer f.release()
	if s.has(f, place, len(p)) {
		f.proof.add(place)
		return false, nil // another mount was faster
	}
	f.proof.remove(place)
	if _, err := f.data.WriteAt(p, s.offset(place)); err != nil {
		return false, fmt.Errorf("write block %d of %s: %w", place, s.name, err)
	}
	if _, err := f.sums.WriteAt(binary.LittleEndian.AppendUint64(nil, sumOf(p)), slotAt(place)); err != nil {
		return false, fmt.Errorf("write checksum %d of %s: %w", place, s.name, err)
	}
	f.proof.add(place)
	s.touch(f)
	return true, nil
}

// has reports that a block is there, and is what its slot says. Tier.writing is held.
func (s *segment) has(f *pair, place int64, length int) bool {
	slot := f.slot(place)
	if slot == 0 || f.proof.has(place) {
		return slot != 0
	}
	there := s.t.scratch[:length]
	_, err := f.data.ReadAt(there, s.offset(place))
	return err == nil && sumOf(there) == slot
}

// sumOf is what a block's slot has to be. It is never 0.
func sumOf(p []byte) uint64 { return max(1, crc64nvme.Checksum(p)) }

// make returns the files and makes them if they are not there, or were removed by
// the sweep of any mount. The caller releases them.
func (s *segment) make() (*pair, error) {
	s.used.Store(int64(s.t.clock()))
	f, fresh, err := s.openOrCreate()
	if fresh {
		s.o.opens(s)
	}
	return f, err
}

// openOrCreate is make, and tells whether the files were not open before.
func (s *segment) openOrCreate() (f *pair, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil && s.open.removed() {
		s.closeLocked()
	}
	if s.open != nil {
		return s.open.take(), false, nil
	}
	err = s.openLocked()
	if errors.Is(err, os.ErrNotExist) {
		err = s.createLocked()
	}
	return s.open.take(), s.open != nil, err
}

// createLocked makes an empty segment under another name and renames it. If one
// is there by then, made by another mount, that one is used.
func (s *segment) createLocked() error {
	tmp, err := os.MkdirTemp(s.t.root, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // is not there any more where all went well
	var born birth
	rand.Read(born[:]) // never fails
	err = errors.Join(
		newFile(filepath.Join(tmp, "data"), nil, s.size),
		newFile(filepath.Join(tmp, "sums"), born[:], slotAt(s.blocks)),
	)
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Dir(s.dir()), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if os.Rename(tmp, s.dir()) == nil {
		return s.openLocked()
	}
	if err := s.openLocked(); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := s.t.discard(s.name); err != nil { // one that lacks a file
		return err
	}
	if err := os.Rename(tmp, s.dir()); err != nil {
		return err
	}
	return s.openLocked()
}

// newFile makes a sparse file with a head.
func newFile(path string, head []byte, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(head)
	return errors.Join(err, f.Truncate(size), f.Close())
}

// touch notes that the segment was used.
func (s *segment) touch(f *pair) {
	now := time.Now()
	s.mu.RLock()
	recent := now.Sub(s.touched) < touchEvery
	s.mu.RUnlock()
	if recent {
		return
	}
	s.mu.Lock()
	s.touched = now
	s.mu.Unlock()
	if err := setTime(f.sums, now); err != nil {
		s.t.warn(err)
	}
}

// file returns a handle of its own for the data if all of it is proved and on the disk.
func (s *segment) file() (*File, bool) {
	f := s.files()
	if f == nil {
		return nil, false
	}
	defer f.release()
	now, err := stampOf(f.data)
	if err != nil || now.unlinked() {
		return nil, false
	}
	whole, ok := f.proof.holds(now)
	if !ok {
		return nil, false
	}
	there := make([]bool, s.blocks) // another mount may have found a block damaged
	s.present(0, there)
	if slices.Contains(there, false) {
		return nil, false
	}
	own, err := duplicate(f.data)
	if err != nil {
		return nil, false
	}
	s.touch(f)
	return &File{File: own, Sums: whole, stamp: now}, true
}
