package uploader

// A file is parked between its close and its commit, by a caller that expects its
// last name in a moment. Its bytes are like those of any file under write: reclaim
// spills them if it has to.

const (
	// maxParked bounds the files that are parked. A program that renames each file
	// when it has closed it has one at a time.
	maxParked = 64
	// parkedShare is the part of the memory that parked files may have: a quarter.
	parkedShare = 4
)

// parked is what is known of a file that is parked.
type parked struct {
	bytes  int64 // of memory, at the most
	recall func()
}

// Park reports that the commit of a file that was just closed may wait: the file is
// new, goes out as one PutObject, and nobody needs its memory. recall is called,
// possibly more than once, when it is to wait no longer because memory is short or
// the uploader is drained. It must not block. Unpark or Close end that, and so does
// a Park that reports false.
func (f *File) Park(recall func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fits := f.err == nil && !f.closed && !f.unlinked && !f.hasBase && f.sending == 0 && f.wholeLocked()
	p := parked{alignUp(f.size, chunkSize), recall}
	u := f.u
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.parked, f)
	sum := p.bytes
	for _, other := range u.parked {
		sum += other.bytes
	}
	if !fits || u.draining || u.pool.queued.Load() > 0 || len(u.parked) >= maxParked || sum > u.cfg.Memory/parkedShare {
		return false
	}
	u.parked[f] = p
	return true
}

// Unpark says that the commit of a parked file waits no longer.
func (f *File) Unpark() {
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	delete(f.u.parked, f)
}

// recall asks for the commit of all files that are parked.
func (u *Uploader) recall() {
	u.mu.Lock()
	calls := make([]func(), 0, len(u.parked))
	for _, p := range u.parked {
		calls = append(calls, p.recall)
	}
	u.mu.Unlock()
	for _, call := range calls {
		call()
	}
}
