package uploader

import "bytes"

// loanChunks is how many chunks are lent at once: the LoanSize bytes that they make.
const loanChunks = 4

// freeChunks are those of a pool that nobody has. They are taken one by one, last in,
// first out: what was just sent is still in the CPU's cache, and what was never used
// has no page yet. Or loanChunks at once that are next to each other, from the far end:
// those that were never used, if there are any. The pool's mutex guards it.
type freeChunks struct {
	all        []chunk
	next, prev []int32 // the free ones as a ring, whose root is at len(all)
	n          int     // how many are free
	inLoan     []uint8 // how many are free of each loan that could be made
	loans      int     // of how many all are
}

// newFreeChunks has all chunks of a budget, the first of them on top.
func newFreeChunks(mem []byte) *freeChunks {
	total := len(mem) / chunkSize
	f := &freeChunks{
		all: make([]chunk, total), next: make([]int32, total+1), prev: make([]int32, total+1),
		inLoan: make([]uint8, total/loanChunks+1),
	}
	f.next[total], f.prev[total] = int32(total), int32(total)
	for i := total - 1; i >= 0; i-- {
		at := i * chunkSize
		f.all[i] = chunk{buf: mem[at : at+chunkSize : at+chunkSize], place: int32(i)}
		f.push(&f.all[i])
	}
	return f
}

// push puts a chunk on top.
func (f *freeChunks) push(c *chunk) {
	root := int32(len(f.all))
	top := f.next[root]
	f.next[root], f.prev[top] = c.place, c.place
	f.next[c.place], f.prev[c.place] = top, root
	f.n++
	k := &f.inLoan[c.place/loanChunks]
	if *k++; *k == loanChunks {
		f.loans++
	}
}

// pop takes the chunk on top. There is one.
func (f *freeChunks) pop() *chunk {
	i := f.next[len(f.all)]
	f.remove(i)
	return &f.all[i]
}

func (f *freeChunks) remove(i int32) {
	before, behind := f.prev[i], f.next[i]
	f.next[before], f.prev[behind] = behind, before
	f.n--
	k := &f.inLoan[i/loanChunks]
	if *k == loanChunks {
		f.loans--
	}
	*k--
}

// popLoan takes loanChunks that follow each other, or returns nil.
func (f *freeChunks) popLoan() []chunk {
	i := bytes.LastIndexByte(f.inLoan, loanChunks)
	if i < 0 {
		return nil
	}
	loan := f.all[i*loanChunks:][:loanChunks]
	for k := range loan {
		f.remove(loan[k].place)
	}
	return loan
}
