package uploader

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// Failure is a file whose last content is not in the store, or not all of its attributes, or that
// is still there although it was removed.
type Failure struct {
	Key  string
	Time time.Time
	Err  error

	other bool // its content is as it shall be: see Lacks
}

// maxFailures bounds how many files are remembered that failed: with the longest
// keys that is 1 MiB.
const maxFailures = 1000

// failures are the files that failed and were not stored since.
type failures struct {
	mu    sync.Mutex
	byKey map[string]Failure
	more  int // that found no room, and cannot be told apart
}

// Failures returns the files that are not in the store as they were left, whether or
// not their writers were told, in the order in which they failed, and how many
// more there are than it remembers. A file that was stored since, removed, or
// replaced by another is none. Nor is one whose writer was killed: it is as if
// that had never written; nor one that lost the race to be created with O_EXCL.
func (u *Uploader) Failures() (list []Failure, more int) {
	f := &u.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.byKey {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Failure) int { return a.Time.Compare(b.Time) })
	return list, f.more
}

// Lacks says that somebody else could not give an object its attributes, or could not delete it;
// or, where err is nil, that this was done.
func (u *Uploader) Lacks(key string, err error) {
	f := &u.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	known, is := f.byKey[key]
	switch {
	case is && !known.other: // that is worse
	case err != nil:
		f.addLocked(Failure{Key: key, Time: time.Now(), Err: err, other: true})
	default:
		delete(f.byKey, key)
	}
}

// LacksAs says that an object has another key now, and lacks there what Lacks told of it.
func (u *Uploader) LacksAs(key, now string) {
	f := &u.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	one, is := f.byKey[key]
	if !is || !one.other {
		return
	}
	delete(f.byKey, key)
	if worse, is := f.byKey[now]; is && !worse.other {
		return
	}
	one.Key = now
	f.addLocked(one)
}

// Forget says that nobody misses what could not be stored under a name: it was
// removed, or another file has the name now.
func (u *Uploader) Forget(key string) {
	f := &u.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byKey, key)
}

// failed remembers a failure, if content was lost with it.
func (u *Uploader) failed(key string, err error) {
	if errors.Is(err, ErrWriterKilled) || errors.Is(err, ErrExists) {
		return
	}
	f := &u.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addLocked(Failure{Key: key, Time: time.Now(), Err: err})
}

func (f *failures) addLocked(one Failure) {
	if _, known := f.byKey[one.Key]; !known && len(f.byKey) >= maxFailures {
		f.more++
		return
	}
	f.byKey[one.Key] = one
}
