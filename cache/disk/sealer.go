package disk

import (
	"errors"
	"time"
)

const (
	// maxSeals is how many objects wait for being sealed, with their files open. The next
	// reader of one that found no place asks again.
	maxSeals = 256
	// quiet is how long nothing is written before the sealer has the disk for itself.
	quiet = 100 * time.Millisecond
)

// askSeal has an object sealed as soon as all of it is proved, if it can be handed out as
// a file at all.
func (t *Tier) askSeal(o *Object) {
	if !o.single() || o.size < t.cfg.Whole {
		return
	}
	_, _, proof := o.first().files()
	if proof == nil || !proof.begin() {
		return
	}
	o.users.Add(1)
	select {
	case t.seals <- o:
	default:
		proof.giveUp()
		o.Close()
	}
}

// sealer seals what is whole, one object after the other.
func (t *Tier) sealer() {
	for {
		select {
		case <-t.stop:
			return
		case o := <-t.seals:
			began := time.Now()
			if err := o.first().seal(); err != nil {
				t.warn(err)
			}
			o.Close()
			if !t.rest(10 * time.Since(began)) {
				return
			}
		}
	}
}

// rest waits until nothing is written, or for the time that is left to who writes: what is read
// for the first time needs the disk more, and what waits for its seal is written by the kernel
// meanwhile. It reports that the tier goes on after that.
func (t *Tier) rest(most time.Duration) bool {
	end := time.Now().Add(most)
	for {
		d := min(quiet-time.Since(time.Unix(0, t.wrote.Load())), time.Until(end))
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

// seal brings the data to the disk, and notes that it is there. What the disk did not take is
// thrown away: the kernel may have forgotten it, and tells so only once.
func (s *segment) seal() error {
	data, _, proof := s.files()
	if data == nil {
		return nil // made anew, and not whole
	}
	defer proof.giveUp()
	if err := s.t.settle(data); err != nil {
		return errors.Join(err, s.t.discard(s.name))
	}
	now, err := stampOf(data)
	if err != nil || now.unlinked() {
		return err
	}
	if done, vouched := proof.seal(now); done {
		return writeSeal(s.dir(), seal{boot: s.t.boot, born: proof.born, stamp: now, vouched: vouched})
	}
	return nil
}
