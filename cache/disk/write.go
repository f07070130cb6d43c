package disk

import "time"

// offer is a block that may be kept.
type offer struct {
	o     *Object
	index int64
	p     []byte
	done  func()
}

// patience is how long who offers a block waits for a place in the queue. A block is
// written in a fifth of a millisecond, if the disk is not in the way.
const patience = 2 * time.Millisecond

// offer puts something into the queue, and reports that there was a place for it. Waiting takes a
// tenth of the time at most: where the disk is slower than what is offered, the rest is dropped.
func (t *Tier) offer(of offer) bool {
	select {
	case t.queue <- of:
		return true
	default:
	}
	began := t.clock()
	if int64(began) < t.hasty.Load() {
		return false
	}
	defer func() { t.hasty.Store(int64(t.clock() + 10*(t.clock()-began))) }()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case t.queue <- of:
		return true
	case <-late.C:
		return false
	}
}

// write keeps what is offered, one block after the other, until the tier is
// closed and the queue is empty.
func (t *Tier) write() {
	for {
		select {
		case of := <-t.queue:
			t.take(of)
			continue
		default:
		}
		select {
		case of := <-t.queue:
			t.take(of)
		case <-t.stop:
			for len(t.queue) > 0 {
				t.take(<-t.queue)
			}
			return
		}
	}
}

// newCost is what the directory, the checksums and the seal of a segment take, in bytes.
const newCost = 16 << 10

func (t *Tier) take(of offer) {
	defer of.o.Close()
	t.keep(of)
	t.askSeal(of.o)
}

// keep writes a block if there is room.
func (t *Tier) keep(of offer) {
	defer of.done()
	t.writing.Lock()
	defer t.writing.Unlock()
	if of.o.removed {
		return
	}
	cost := pages(int64(len(of.p)))
	if of.index == 0 {
		cost += newCost
	}
	if t.room.Add(-cost) < 0 {
		t.room.Add(cost)
		t.counts.dropped.Add(1)
		t.askSweep()
		return
	}
	s, place := of.o.at(of.index)
	wrote, err := s.write(place, of.p)
	if !wrote {
		t.room.Add(cost)
	}
	if err != nil {
		t.counts.dropped.Add(1)
		t.warn(err)
		t.room.Store(0) // the disk may be full: the sweep knows
		t.askSweep()
	}
	if wrote {
		t.used.Store(int64(t.clock()))
		t.counts.written.Add(int64(len(of.p)))
		if t.written.Add(cost) >= t.step() {
			t.askSweep()
		}
	}
}

func pages(n int64) int64 { return (n + 4095) &^ 4095 }

// step is how much is written between sweeps.
func (t *Tier) step() int64 { return t.cfg.Size / 32 }

// askSweep wakes the sweeper, if it is not awake.
func (t *Tier) askSweep() {
	select {
	case t.sweeps <- struct{}{}:
	default:
	}
}
