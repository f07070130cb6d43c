package uploader

import "golang.org/x/sys/unix"

// Memory that no file under write needs is lent to who reads. It is the writers' all
// the same: what they have used shrinks what is lent, and who waits for memory gets
// it back before anything else is done about it.

const (
	// LoanSize is the most that is lent at once, in bytes.
	LoanSize = loanChunks * chunkSize
	// keptFree is the part of the memory that is not lent: a quarter. It is what a
	// file can be written into before anything has to come back.
	keptFree = 4
)

// OnShort says who is asked for about n bytes of what is lent when a writer waits for
// them. It gives back what it can at once, from a goroutine of the uploader that holds
// no lock, and the rest as soon as it can. To be called before Lend.
func (u *Uploader) OnShort(recall func(n int64)) { u.recallLoans = recall }

// Lend returns n bytes of memory, at most LoanSize, which are the caller's until it calls
// giveBack, once. It is nil where there is none to be had.
func (u *Uploader) Lend(n int) (b []byte, giveBack func()) {
	if n > LoanSize {
		return nil, nil
	}
	p := u.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.waiting) > 0 || p.free.n-loanChunks < p.total/keptFree {
		return nil, nil
	}
	loan := p.free.popLoan()
	if loan == nil {
		return nil, nil
	}
	p.lent += loanChunks
	at := int(loan[0].place) * chunkSize
	return p.mem[at : at+n : at+n], func() { p.takeBack(loan) }
}

// Spare is how many bytes are lent or could be, as things stand.
func (u *Uploader) Spare() int64 {
	p := u.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		return 0
	}
	more := min(p.free.n-p.total/keptFree, p.free.loans*loanChunks)
	return int64(max(0, p.lent+more)) * chunkSize
}

func (p *pool) takeBack(loan []chunk) {
	p.mu.Lock()
	for i := len(loan) - 1; i >= 0; i-- {
		p.free.push(&loan[i])
	}
	if p.lent -= loanChunks; p.closed && p.lent == 0 {
		_ = unix.Munmap(p.mem) // fails only for a range that was not mapped
	}
	p.serveLocked()
	p.mu.Unlock()
	p.kick() // who waits may have been told to wait for this
}

// onLoan returns the bytes that are lent.
func (p *pool) onLoan() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.lent) * chunkSize
}

// callIn asks for what is lent, as far as who waits needs it, and reports that some
// of it came back.
func (u *Uploader) callIn() bool {
	before := u.pool.onLoan()
	if before == 0 {
		return false
	}
	u.recallLoans(int64(u.pool.wanted()) * chunkSize)
	return u.pool.onLoan() < before
}
