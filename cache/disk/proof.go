package disk

import "sync"

// maxProofs bounds what is remembered of segments: 200 bytes and a bit for each block.
const maxProofs = 4096

// standing is how far a proof has come.
type standing uint8

const (
	open    standing = iota // something is not proved, or is not asked for yet
	sealing                 // all is proved, and on its way to the disk
	sealed                  // all is proved and on the disk, with the stamp of then
)

// proof is the blocks of a segment whose checksum this process has seen to be
// right. It outlives the objects that are open.
type proof struct {
	born   birth // of the segment
	blocks int64

	mu      sync.Mutex
	bits    []uint64
	n       int64
	vouched bool // the object as a whole was compared with what the store says
	state   standing
	stamp   stamp // of the data, while sealed
}

// proofOf returns what is proved of a segment, which is nothing if it is another
// one than before: then it is new.
func (t *Tier) proofOf(name string, born birth, blocks int64) (p *proof, isNew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.proofs[name]; p != nil && p.born == born {
		return p, false
	}
	for other := range t.proofs {
		if len(t.proofs) < maxProofs {
			break
		}
		delete(t.proofs, other)
	}
	p = &proof{born: born, blocks: blocks, bits: make([]uint64, (blocks+63)/64)}
	t.proofs[name] = p
	return p, true
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

// remove notes that a block is wrong. What takes its place was not part of what was
// compared with the store.
func (p *proof) remove(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.vouched = open, false
	if word, bit := &p.bits[place/64], uint64(1)<<(place%64); *word&bit != 0 {
		*word &^= bit
		p.n--
	}
}

// vouch notes that the object as a whole is what the store says, if all of it is there. A seal
// has to be made anew then.
func (p *proof) vouch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.vouched && p.n == p.blocks {
		p.vouched, p.state = true, open
	}
}

func (p *proof) isVouched() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.vouched
}

// begin reports that the segment is to be sealed, by the caller.
func (p *proof) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n != p.blocks || p.state != open {
		return false
	}
	p.state = sealing
	return true
}

// giveUp undoes begin.
func (p *proof) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == sealing {
		p.state = open
	}
}

// seal notes that all that is proved is on the disk. It does not if something was found
// to be wrong since begin.
func (p *proof) seal(now stamp) (done, vouched bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != sealing {
		return false, false
	}
	p.state, p.stamp = sealed, now
	return true, p.vouched
}

// recall takes over what an earlier mount has found.
func (p *proof) recall(at stamp, vouched bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for place := range p.blocks {
		p.bits[place/64] |= 1 << (place % 64)
	}
	p.n, p.state, p.stamp, p.vouched = p.blocks, sealed, at, vouched
}

// holds reports that the segment is sealed, and nobody wrote to the data since. If somebody
// did, everything has to be proved anew.
func (p *proof) holds(now stamp) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != sealed || p.stamp == now {
		return p.state == sealed
	}
	clear(p.bits)
	p.n, p.state, p.vouched = 0, open, false
	return false
}
