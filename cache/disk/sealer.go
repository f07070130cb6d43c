package disk

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

const (
	// maxSeals is how many objects wait for being sealed, with their files open. The next
	// reader of one that found no place asks again.
	maxSeals = 256
	// quiet is how long nothing is read or written before the sealer has the disk for itself.
	quiet = 100 * time.Millisecond
	// A file that was written to twice within a tick of its file system's clock looks as if
	// that had been once: most count in jiffies, of up to 10 ms, some in seconds.
	tick, longTick = 20 * time.Millisecond, 2 * time.Second
)

// askSeal has an object sealed as soon as all of it is proved, if it can be handed out as
// a file at all.
func (t *Tier) askSeal(o *Object) {
	if !o.single() || o.size < t.cfg.Whole {
		return
	}
	f := o.first().files()
	if f == nil {
		return
	}
	defer f.release()
	if !f.proof.begin() {
		return
	}
	o.users.Add(1)
	select {
	case <-t.stop: // nobody takes it
	default:
		select {
		case t.seals <- o:
			return
		default:
		}
	}
	f.proof.giveUp()
	o.Close()
}

// sealer seals what is whole, one object after the other.
func (t *Tier) sealer() {
	block := make([]byte, t.cfg.Block)
	for {
		select {
		case <-t.stop:
			return
		case o := <-t.seals:
			began := time.Now()
			if err := o.first().seal(block); err != nil {
				t.warn(err)
			}
			o.Close()
			if !t.rest(10 * time.Since(began)) {
				return
			}
		}
	}
}

// rest waits until the disk is not used, or for the time that is left to who uses it: they need it
// more, and what waits for its seal is written by the kernel meanwhile. It reports that the tier
// goes on after that.
func (t *Tier) rest(most time.Duration) bool {
	end := time.Now().Add(most)
	for {
		d := min(quiet-(t.clock()-time.Duration(t.used.Load())), time.Until(end))
		if d <= 0 {
			return true
		}
		if !t.pause(d) {
			return false
		}
	}
}

// pause waits, and reports that the tier goes on after that.
func (t *Tier) pause(d time.Duration) bool {
	select {
	case <-t.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// seal brings the data to the disk, and then holds all of it against its checksums: what was
// proved may have been lost since, as the kernel tells of that only once, and only to
// who has the file open. What the disk did not take is thrown away. block is room for one.
func (s *segment) seal(block []byte) error {
	f := s.files()
	if f == nil {
		return nil // removed
	}
	defer f.release()
	defer f.proof.giveUp()
	before, err := s.t.settledStamp(f.data)
	switch {
	case errors.Is(err, errNotNow):
		return nil
	case err != nil:
		return err
	case before.unlinked():
		f.proof.lose()
		return nil
	}
	if err := s.t.settle(f.data, s.t.stop); err != nil {
		return s.notTaken(f, err)
	}
	whole, err := s.sum(f, block)
	if err != nil {
		return nil // somebody looks after it when the block is read
	}
	if after, err := stampOf(f.data); err != nil || after != before {
		return nil // somebody was at it, and it is tried again
	}
	if !f.proof.seal(before, whole) {
		return nil
	}
	seal := seal{boot: s.t.boot, born: f.proof.born, stamp: before, sums: whole}
	return seal.write(s.dir())
}

// sum reads a segment that is an object, and holds each block against its checksum.
func (s *segment) sum(f *pair, block []byte) (whole Sums, err error) {
	for place := range s.blocks {
		select {
		case <-s.t.stop:
			return whole, errNotNow
		default:
		}
		p := block[:min(int64(len(block)), s.size-s.offset(place))]
		if err := s.load(f, place, p); err != nil {
			return whole, err
		}
		whole.add(p)
	}
	return whole, nil
}

var errNotNow = errors.New("it cannot be sealed now")

// settledStamp is the stamp of a file if every later write shows in another one.
func (t *Tier) settledStamp(f *os.File) (s stamp, err error) {
	for range 2 {
		if s, err = stampOf(f); err != nil {
			return s, err
		}
		old := tick
		if s.nsec == 0 {
			old = longTick
		}
		left := old - time.Since(time.Unix(s.sec, s.nsec))
		if left <= 0 {
			return s, nil
		}
		if !t.pause(min(left, old)) {
			break
		}
	}
	return s, errNotNow // somebody is at it, or its file system has a clock of its own
}

// notTaken gives a segment up that the disk does not take, for whatever reason it has.
func (s *segment) notTaken(f *pair, why error) error {
	switch {
	case errors.Is(why, errNotNow): // the tier is closed
		return nil
	case errors.Is(why, errors.ErrUnsupported): // a file system that never syncs
		f.proof.lose()
		return nil
	}
	f.proof.lose()
	return errors.Join(why, s.throwAway(f.data))
}

// throwAway removes the data of the segment, if it still is what is in this file. That takes no room,
// and what is left is taken for nothing.
func (s *segment) throwAway(data *os.File) error {
	s.t.writing.Lock()
	defer s.t.writing.Unlock()
	path := filepath.Join(s.dir(), "data")
	named, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if mine, err := data.Stat(); err != nil || !os.SameFile(named, mine) {
		return nil
	}
	return os.Remove(path)
}
