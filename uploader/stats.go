package uploader

import "sync/atomic"

// counters are what the uploader counts while it works.
type counters struct {
	parts, copies, puts, commits, aborts, staged, failed, spilled atomic.Int64
	sent                                                          atomic.Int64
}

// Stats is a moment's view of an uploader. Counts are since New.
type Stats struct {
	Files      int   // open for writing now
	InFlight   int   // parts being sent now
	Memory     int64 // bytes of the budget in use
	MemoryMax  int64 // the budget
	Lent       int64 // bytes of the budget that readers have now, see Lend
	Spilled    int64 // bytes in the spill file now
	Parts      int64 // parts sent
	Copies     int64 // parts copied at the server
	Puts       int64 // objects sent whole
	Commits    int64 // objects published
	Aborts     int64 // uploads given up
	Staged     int64 // hidden objects made
	Failed     int64 // files that ended with an error
	SentBytes  int64 // bytes of parts and objects sent
	SpillTotal int64 // bytes that went through the spill file
}

// Stats returns what is going on.
func (u *Uploader) Stats() Stats {
	u.mu.Lock()
	files, inflight := len(u.files), u.inflight
	u.mu.Unlock()
	return Stats{
		Files: files, InFlight: inflight,
		Memory: u.pool.used(), MemoryMax: int64(u.pool.total) * chunkSize, Lent: u.pool.onLoan(),
		Spilled: u.spill.used(), SpillTotal: u.stats.spilled.Load(),
		Parts: u.stats.parts.Load(), Copies: u.stats.copies.Load(), Puts: u.stats.puts.Load(),
		Commits: u.stats.commits.Load(), Aborts: u.stats.aborts.Load(), Staged: u.stats.staged.Load(),
		Failed: u.stats.failed.Load(), SentBytes: u.stats.sent.Load(),
	}
}
