package disk

import (
	"os"
	"sync"
)

// maxProofs bounds what is remembered of segments: 200 bytes and a bit for each block.
const maxProofs = 4096

// standing is how far a proof has come.
type standing uint8

const (
	open    standing = iota // something is not proved, or nobody has asked for the seal yet
	sealing                 // all is proved, and waits for the sealer or is with him
	sealed                  // the disk has all of it
	lost                    // the segment has no name any more, or the disk does not take it
)

// proof is the blocks of a segment whose checksum this process has seen to be
// right, which is when it is worth while to seal it. It outlives the objects that are open.
type proof struct {
	born   birth // of the segment
	blocks int64

	mu    sync.Mutex
	bits  []uint64
	n     int64
	state standing
	stamp stamp // of the data, while sealed
	sums  Sums  // likewise
}

// proofOf returns what is proved of a segment: nothing, if it is another one than
// before, but for what its seal says.
func (t *Tier) proofOf(s *segment, born birth, data *os.File) *proof {
	if p := t.proved(s.name, born); p != nil {
		return p
	}
	p := &proof{born: born, blocks: s.blocks, bits: make([]uint64, (s.blocks+63)/64)}
	t.recall(s.dir(), data, p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.proofs[s.name]; q != nil && q.born == born {
		return q
	}
	for other := range t.proofs {
		if len(t.proofs) < maxProofs {
			break
		}
		delete(t.proofs, other)
	}
	t.proofs[s.name] = p
	return p
}

func (t *Tier) proved(name string, born birth) *proof {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.proofs[name]; p != nil && p.born == born {
		return p
	}
	return nil
}

// add notes that a block is right.
func (p *proof) add(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if word, bit := &p.bits[place/64], uint64(1)<<(place%64); *word&bit == 0 {
		*word |= bit
		p.n++
	}
}

func (p *proof) has(place int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bits[place/64]&(1<<(place%64)) != 0
}

// remove notes that a block is wrong, or is about to be written.
func (p *proof) remove(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turnLocked(open)
	if word, bit := &p.bits[place/64], uint64(1)<<(place%64); *word&bit != 0 {
		*word &^= bit
		p.n--
	}
}

// turnLocked is where the standing changes. What is lost stays so.
func (p *proof) turnLocked(to standing) {
	if p.state != lost {
		p.state = to
	}
}

// begin reports that the segment is to be sealed, by the caller.
func (p *proof) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n != p.blocks || p.state != open {
		return false
	}
	p.turnLocked(sealing)
	return true
}

// giveUp undoes begin.
func (p *proof) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == sealing {
		p.turnLocked(open)
	}
}

// lose says that the segment is never sealed.
func (p *proof) lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turnLocked(lost)
}

// seal says that the disk has all of it. It reports that this counts: it does not if something was
// found to be wrong meanwhile.
func (p *proof) seal(at stamp, sums Sums) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != sealing {
		return false
	}
	p.turnLocked(sealed)
	p.stamp, p.sums = at, sums
	return true
}

// recall takes over what a seal says.
func (p *proof) recall(at stamp, sums Sums) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for place := range p.blocks {
		p.bits[place/64] |= 1 << (place % 64)
	}
	p.n, p.stamp, p.sums = p.blocks, at, sums
	p.turnLocked(sealed)
}

// holds reports that the segment is sealed, and nobody wrote to the data since. If somebody
// did, everything has to be proved anew.
func (p *proof) holds(now stamp) (Sums, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == sealed && p.stamp != now {
		clear(p.bits)
		p.n = 0
		p.turnLocked(open)
	}
	return p.sums, p.state == sealed
}
