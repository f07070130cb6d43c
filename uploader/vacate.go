package uploader

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Vacate prepares for another object under a name: files that had the name, have sent parts under it
// and are still open without one stage what they sent. Later that would be a detour of a name that is
// another's by then, who would be seen with half of their bytes. Who publishes a file does it
// by itself. A failure is that file's own; the only error is that of ctx.
func (u *Uploader) Vacate(ctx context.Context, key string) error {
	return u.vacateFor(ctx, key, nil)
}

// vacateFor is Vacate for a file, which has itself to itself.
func (u *Uploader) vacateFor(ctx context.Context, key string, file *File) error {
	u.mu.Lock()
	var nameless []*File
	for f := range u.nameless {
		if f != file {
			nameless = append(nameless, f)
		}
	}
	u.mu.Unlock()
	for _, f := range nameless {
		if err := f.vacate(ctx, key); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// Leave says that the file is about to lose its name: nothing more is sent under it, and no
// detour begins before Unlink or Stay says what became of it. One under way would give the
// name back what is being deleted: it is waited for. The only error is that of ctx, and then the file
// does not leave.
func (f *File) Leave(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rewrites, f.leaving = true, true
	for f.detour != "" {
		if err := f.waitLocked(ctx); err != nil {
			f.stayLocked()
			return err
		}
	}
	return nil
}

// Stay says that the file does not lose its name after all.
func (f *File) Stay() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stayLocked()
}

// Return says that the file stays, with the object under its name, which the caller had replaced
// by a hidden copy. It waits for nobody: who has the file may wait for what becomes of the name.
// What was sent since at a store that cannot stage it has the wrong name, and is given up.
func (f *File) Return(info objstore.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.main != nil && !f.main.hidden && f.main.key != info.Key {
		f.failLocked(fmt.Errorf("take back what was sent: %w", objstore.ErrUnsupported))
	}
	f.rebaseLocked(info)
	f.stayLocked()
}

func (f *File) stayLocked() {
	f.leaving = false
	f.changedLocked()
}

// Vacate stages what was sent under the file's name, which another one is about to get, and has nothing
// more sent under it. At a store that cannot do that nothing happens.
func (f *File) Vacate(ctx context.Context) error {
	f.mu.Lock()
	key := f.key
	f.rewrites = true // as in Leave
	f.mu.Unlock()
	if err := f.vacate(ctx, key); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

func (f *File) vacate(ctx context.Context, key string) error {
	if sent, err := f.sentUnder(ctx, key); !sent {
		return err
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	if sent, err := f.sentUnder(ctx, key); !sent {
		return err
	}
	return f.stageNow()
}

// sentUnder reports that the file has an upload under this name that can be staged. It waits while
// the name shows what was sent: that ends by itself, also when the file fails.
func (f *File) sentUnder(ctx context.Context, key string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.detour == key {
		if err := f.waitLocked(ctx); err != nil {
			return false, err
		}
	}
	return f.err == nil && !f.closed && f.main != nil && !f.main.hidden && f.main.key == key, nil
}

// errTaken says that a name is another file's, who is not asked to make room.
var errTaken = errors.New("its name has another object by now")
