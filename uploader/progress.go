package uploader

import (
	"cmp"
	"slices"
	"time"
)

// Progress is how far a file under write has come.
type Progress struct {
	Key   string
	Size  int64     // bytes, as its writers see it
	Sent  int64     // bytes of its parts that the store has acknowledged
	Parts int       // that the store has acknowledged
	Since time.Time // when it was opened
	Dirty bool      // there is something to commit
	Err   error     // why it failed, nil if it did not
}

// Progress returns the files that are open for writing, by key. It is a moment's
// view of each, and not of all at once.
func (u *Uploader) Progress() []Progress {
	u.mu.Lock()
	files := make([]*File, 0, len(u.files))
	for f := range u.files {
		files = append(files, f)
	}
	u.mu.Unlock()
	out := make([]Progress, 0, len(files))
	for _, f := range files {
		out = append(out, f.progress())
	}
	slices.SortFunc(out, func(a, b Progress) int { return cmp.Or(cmp.Compare(a.Key, b.Key), a.Since.Compare(b.Since)) })
	return out
}

func (f *File) progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := Progress{Key: f.key, Size: f.size, Since: f.opened, Dirty: f.dirty && !f.unlinked, Err: f.err}
	count := func(up *upload) {
		if up == nil {
			return
		}
		for _, s := range up.parts {
			p.Sent += s.part.Size
			p.Parts++
		}
	}
	count(f.main)
	for _, up := range f.segments {
		count(up)
	}
	return p
}
