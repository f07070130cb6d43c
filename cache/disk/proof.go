package disk

import (
	"sync"
	"sync/atomic"
)

// maxProofs bounds what is remembered of segments: 200 bytes and a bit for each block.
const maxProofs = 4096

// proof is the blocks of a segment whose checksum this process has seen to be
// right. It outlives the objects that are open.
type proof struct {
	born   birth // of the segment
	blocks int64

	vouched atomic.Bool // the object as a whole was compared with what the store says

	mu   sync.Mutex
	bits []uint64
	n    int64
}

// proofOf returns what is proved of a segment, which is nothing if it is another
// one than before.
func (t *Tier) proofOf(name string, born birth, blocks int64) *proof {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.proofs[name]; p != nil && p.born == born {
		return p
	}
	for other := range t.proofs {
		if len(t.proofs) < maxProofs {
			break
		}
		delete(t.proofs, other)
	}
	p := &proof{born: born, blocks: blocks, bits: make([]uint64, (blocks+63)/64)}
	t.proofs[name] = p
	return p
}

func (p *proof) add(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if word, bit := &p.bits[place/64], uint64(1)<<(place%64); *word&bit == 0 {
		*word |= bit
		p.n++
	}
}

func (p *proof) remove(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if word, bit := &p.bits[place/64], uint64(1)<<(place%64); *word&bit != 0 {
		*word &^= bit
		p.n--
	}
}

func (p *proof) whole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n == p.blocks
}
