package uploader

import (
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// kind says where the bytes of a run are.
type kind string

const (
	runSend kind = "send" // in memory, or zeros: they have to be sent
	runCopy kind = "copy" // in a finished object: the server can copy them
	runSent kind = "sent" // in a part of the upload at hand
)

// run is a range of the file that is to be committed. Runs follow each other
// without gaps and cover the file.
type run struct {
	span
	kind   kind
	src    remote // of runCopy: exactly the range
	number int32  // of runSent
	zero   bool   // of runSend: nothing but zeros
}

// piece is one part of the upload that commits the file.
type piece struct {
	span
	number int32
	kind   kind
	src    remote
}

// planner turns runs into parts that a store takes. It is pure.
type planner struct {
	min, maxCopy, maxSend int64
	maxPart               int64 // the store's limit, which only zeros come near to
	maxCount              int32
	equal                 bool        // all parts but the last have one size: one part a cell
	consecutive           bool        // no gaps in the numbers
	coarse                bool        // with too few numbers, changes that lie close together are sent as one
	held                  spans       // bytes in memory: sending them costs no download
	cells                 []cellRange // direct ones, for where there must be one part a cell
}

// cellRange is a cell with its part number.
type cellRange struct {
	span
	number int32
}

// plan returns the parts of the commit in ascending order. Between parts that
// were sent already, whose numbers are given, it fits copies and sends into the
// numbers that are left; a file of which nothing was sent is numbered freely.
func (p planner) plan(runs []run) ([]piece, error) {
	var out []piece
	last := int32(0)
	for i := 0; i < len(runs); {
		if runs[i].kind == runSent {
			out = append(out, piece{span: runs[i].span, number: runs[i].number, kind: runSent})
			last = runs[i].number
			i++
			continue
		}
		j := i
		for j < len(runs) && runs[j].kind != runSent {
			j++
		}
		next := p.maxCount + 1
		if j < len(runs) {
			next = runs[j].number
		}
		gap, err := p.gap(runs[i:j], last, next, j == len(runs))
		if err != nil {
			return nil, err
		}
		out = append(out, gap...)
		last = gap[len(gap)-1].number
		i = j
	}
	return out, nil
}

// gap plans runs of which nothing was sent. Their parts get numbers above last
// and below next; tail says that the file ends with them.
func (p planner) gap(runs []run, last, next int32, tail bool) ([]piece, error) {
	for q := p; !p.equal && (tail || !p.consecutive) && q.min <= p.maxSend; q.min *= 2 {
		pieces := q.cut(q.shape(runs, tail))
		if int32(len(pieces)) < next-last {
			for i := range pieces {
				pieces[i].number = last + int32(i) + 1
			}
			return pieces, nil
		}
		if !p.coarse {
			break
		}
	}
	pieces := p.byCell(runs)
	if k := len(pieces); k == 0 || pieces[k-1].to < runs[len(runs)-1].to {
		return nil, fmt.Errorf("no part numbers are left behind %d: %w", last, ErrTooLarge)
	} else if pieces[0].number <= last || pieces[k-1].number >= next {
		return nil, fmt.Errorf("%d parts do not fit between %d and %d: %w", k, last, next, ErrTooLarge)
	}
	return pieces, nil
}

// shape makes every run one that the store takes as a part or as several: at
// least the smallest size, but for the one at the end of the file. Bytes that
// must be downloaded for that are as few as the smallest size allows, and those
// in memory are preferred.
func (p planner) shape(runs []run, tail bool) []run {
	runs = append([]run(nil), runs...)
	atEnd := func(i int) bool { return tail && i == len(runs)-1 }
	for i := range runs {
		if runs[i].kind == runCopy && runs[i].len() < p.min && !atEnd(i) {
			runs[i].kind, runs[i].zero = runSend, false
		}
	}
	runs = mergeSends(runs)
	for i := 0; i < len(runs); {
		if runs[i].kind != runSend || runs[i].len() >= p.min || atEnd(i) || len(runs) == 1 {
			i++
			continue
		}
		runs = p.grow(runs, i, atEnd)
		i = 0
		runs = mergeSends(runs)
	}
	return runs
}

// grow makes a short send larger at the cost of the copies beside it.
func (p planner) grow(runs []run, i int, atEnd func(int) bool) []run {
	need := p.min - runs[i].len()
	left, right := i > 0, i+1 < len(runs)
	if right && atEnd(i+1) && runs[i+1].len() <= need { // the last part may be short
		runs[i].to, runs[i].zero = runs[i+1].to, false
		return runs[:i+1]
	}
	heldLeft, heldRight := int64(0), int64(0)
	if left {
		heldLeft = p.heldBefore(runs[i].from, need)
	}
	if right {
		heldRight = p.heldAfter(runs[i].to, need)
	}
	takeLeft := int64(0)
	if left && (heldLeft > heldRight || !right) {
		takeLeft = min(need, runs[i-1].len())
		if right {
			takeLeft = min(takeLeft, heldLeft)
		}
	}
	takeRight := int64(0)
	if right {
		takeRight = min(need-takeLeft, runs[i+1].len())
	}
	if left && takeLeft+takeRight < need {
		takeLeft = min(need-takeRight, runs[i-1].len())
	}
	// A neighbour may not be left too small to be a part of its own.
	if rest := int64(0); takeLeft > 0 {
		if rest = runs[i-1].len() - takeLeft; rest < p.min {
			takeLeft = runs[i-1].len()
		}
	}
	if takeRight > 0 {
		if rest := runs[i+1].len() - takeRight; rest < p.min && !(atEnd(i+1) && rest > 0) {
			takeRight = runs[i+1].len()
		}
	}
	runs[i].from -= takeLeft
	runs[i].to += takeRight
	runs[i].zero = false
	if right {
		runs[i+1] = runs[i+1].cutFront(takeRight)
	}
	if left {
		runs[i-1] = runs[i-1].cutBack(takeLeft)
	}
	out := runs[:0]
	for _, r := range runs {
		if r.len() > 0 {
			out = append(out, r)
		}
	}
	return out
}

// heldBefore returns how many of the n bytes before an offset are in memory.
func (p planner) heldBefore(off, n int64) int64 {
	for _, s := range p.held.within(span{off - n, off}) {
		if s.to == off {
			return s.len()
		}
	}
	return 0
}

// heldAfter returns how many of the n bytes from an offset on are in memory.
func (p planner) heldAfter(off, n int64) int64 {
	for _, s := range p.held.within(span{off, off + n}) {
		if s.from == off {
			return s.len()
		}
	}
	return 0
}

func (r run) cutFront(n int64) run {
	r.from += n
	if r.kind == runCopy {
		r.src.from += n
		r.src.off += n
	}
	return r
}

func (r run) cutBack(n int64) run {
	r.to -= n
	if r.kind == runCopy {
		r.src.to -= n
	}
	return r
}

func mergeSends(runs []run) []run {
	out := runs[:0]
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].kind == runSend && r.kind == runSend {
			out[n-1].to = r.to
			out[n-1].zero = out[n-1].zero && r.zero
			continue
		}
		out = append(out, r)
	}
	return out
}

// zeroPart is the largest part made of nothing but zeros while there are numbers
// enough: it costs no memory, but is sent again from its start if the connection breaks.
const zeroPart = 256 << 20

// cut divides runs that are too large for one part.
func (p planner) cut(runs []run) []piece {
	var out []piece
	for _, r := range runs {
		// Equal shares are at least half the limit, which is two smallest parts.
		limit := p.maxSend
		if r.kind == runCopy {
			limit = p.maxCopy
		} else if r.zero {
			limit = min(max(limit, zeroPart, r.len()/int64(max(1, p.maxCount/2))+1), p.maxPart)
		}
		n := (r.len() + limit - 1) / limit
		for at, k := r.from, int64(0); k < n; k++ {
			end := r.from + r.len()*(k+1)/n
			out = append(out, piece{span: span{at, end}, kind: r.kind, src: r.src.slice(span{at, end}, r.kind)})
			at = end
		}
	}
	return out
}

func (r remote) slice(s span, k kind) remote {
	if k != runCopy {
		return remote{}
	}
	r.off += s.from - r.from
	r.span = s
	return r
}

// byCell plans one part a cell: what a cell's runs cannot give as one copy is sent.
func (p planner) byCell(runs []run) []piece {
	var out []piece
	whole := span{runs[0].from, runs[len(runs)-1].to}
	i := 0
	for _, c := range p.cells {
		s := span{max(c.from, whole.from), min(c.to, whole.to)}
		if s.from >= s.to {
			continue
		}
		for i < len(runs) && runs[i].to <= s.from {
			i++
		}
		pc := piece{span: s, number: c.number, kind: runSend}
		if r := runs[i]; r.kind == runCopy && r.from <= s.from && r.to >= s.to && s.len() <= p.maxCopy {
			pc.kind, pc.src = runCopy, r.src.slice(s, runCopy)
		}
		out = append(out, pc)
	}
	return out
}

// newPlanner takes the limits from a profile.
func newPlanner(p *objstore.Profile, maxSend int64) planner {
	return planner{
		min: p.Part.Min, maxCopy: p.MaxCopy, maxSend: max(maxSend, 2*p.Part.Min), maxPart: p.Part.Max,
		maxCount: p.PartNumbers(), equal: p.Part.Equal, consecutive: p.Part.Consecutive,
	}
}
