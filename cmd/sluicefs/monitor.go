package main

import (
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/meter"
	"github.com/sluicefs/sluicefs/uploader"
)

// reached is the store of a mount, with what is counted of it.
type reached struct {
	objstore.Store // repeats requests

	attempts *meter.Store
	repeats  *atomic.Int64
	close    func() error // its connections
}

// monitor tells what a mount is doing.
type monitor struct {
	info     mountInfo
	store    *reached
	writes   *uploader.Uploader
	unstored func() ([]unstored, int)
}

// status is a moment's view of a mount, as sluicefs status --json prints it.
type status struct {
	mountInfo
	Alive      bool          `json:"alive"`   // the daemon is
	Uploads    []uploading   `json:"uploads"` // files that are open for writing
	Totals     totals        `json:"totals"`  // since the mount began
	Requests   []meter.Count `json:"requests"`
	Errors     []unstored    `json:"errors"`                // files that are not stored
	MoreErrors int           `json:"more_errors,omitempty"` // and how many there are beside them
}

// uploading is a file that is open for writing.
type uploading struct {
	Key   string    `json:"key"`
	Size  int64     `json:"size"`  // bytes written so far
	Sent  int64     `json:"sent"`  // of them, in parts that the store has
	Parts int       `json:"parts"` // that the store has
	Since time.Time `json:"since"`
	Dirty bool      `json:"dirty"` // not all of it is stored and published
	Error string    `json:"error,omitempty"`
}

// totals are the counters of a mount, in bytes and pieces.
type totals struct {
	Sent          int64 `json:"sent_bytes"`
	Received      int64 `json:"received_bytes"`
	Objects       int64 `json:"objects"` // stored
	Failed        int64 `json:"failed"`  // files that ended with an error
	Aborted       int64 `json:"aborted_uploads"`
	Retries       int64 `json:"retries"`
	OpenFiles     int   `json:"open_files"` // for writing
	PartsInFlight int   `json:"parts_in_flight"`
	Buffered      int64 `json:"buffered_bytes"`
	BufferLimit   int64 `json:"buffer_limit_bytes"`
	Lent          int64 `json:"lent_bytes"`
	Spilled       int64 `json:"spilled_bytes"`
}

// now looks at the mount.
func (m *monitor) now() status {
	s := status{mountInfo: m.info, Alive: true, Uploads: []uploading{}, Totals: m.totals(), Requests: m.store.attempts.Counts(), Errors: []unstored{}}
	for _, p := range m.writes.Progress() {
		u := uploading{Key: p.Key, Size: p.Size, Sent: p.Sent, Parts: p.Parts, Since: p.Since.UTC(), Dirty: p.Dirty}
		if p.Err != nil {
			u.Error = p.Err.Error()
		}
		s.Uploads = append(s.Uploads, u)
	}
	files, more := m.unstored()
	s.Errors, s.MoreErrors = append(s.Errors, files...), more
	return s
}

func (m *monitor) totals() totals {
	w := m.writes.Stats()
	return totals{
		Sent: m.store.attempts.Sent(), Received: m.store.attempts.Received(),
		Objects: w.Commits, Failed: w.Failed, Aborted: w.Aborts, Retries: m.store.repeats.Load(),
		OpenFiles: w.Files, PartsInFlight: w.InFlight,
		Buffered: w.Memory, BufferLimit: w.MemoryMax, Lent: w.Lent, Spilled: w.Spilled,
	}
}
