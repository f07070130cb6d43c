package cache

import "context"

// maxPieces is how many reads of a stride are asked for ahead.
const maxPieces = 16

// pieces is what is read ahead for reads at equal distances: exactly what they
// will ask for, so that nothing between is fetched. It is guarded by Reader.mu.
type pieces struct {
	step, n int64
	depth   int64 // reads ahead
	held    []*block
}

// next returns the piece that a read asks for, held for the caller, and asks for
// those that will follow. It is nil if that piece is not there: one is at most
// blockSize long, and there may be no memory.
func (p *pieces) next(ctx context.Context, r *Reader, off, n, step int64) *block {
	if n > blockSize || step < n && step > -n {
		return nil
	}
	if p.step != step || p.n != n {
		p.clear()
		p.step, p.n, p.depth = step, n, 1
	}
	var found *block
	for i, b := range p.held {
		if b.off == off {
			found = b
			drop(p.held[:i])
			p.held = append([]*block(nil), p.held[i+1:]...)
			break
		}
	}
	if found == nil {
		p.clear()
	}
	p.depth = min(2*p.depth, maxPieces, max(1, r.s.share()/bufferCost(int(n))))
	at := off + step
	if last := len(p.held) - 1; last >= 0 {
		at = p.held[last].off + step
	}
	for ; int64(len(p.held)) < p.depth && at > 0 && at+n <= r.v.size; at += step {
		run := r.s.newRun(ctx, r.v, &r.active, false)
		b := run.add(-1, at, int(n))
		run.start()
		if b == nil {
			break
		}
		p.held = append(p.held, b)
	}
	return found
}

func (p *pieces) clear() {
	drop(p.held)
	p.held = nil
}
