package uploader

import (
	"context"
	"errors"
)

// Vacate prepares for another object under a name: files that had the name, have sent parts under it
// and are still open without one stage what they sent. Later that would be a detour of a name that is
// another's by then, who would be seen with half of their bytes. Who publishes a file does it
// by itself. A failure is that file's own; the only error is that of ctx.
func (u *Uploader) Vacate(ctx context.Context, key string) error {
	u.mu.Lock()
	var nameless []*File
	for f := range u.nameless {
		nameless = append(nameless, f)
	}
	u.mu.Unlock()
	for _, f := range nameless {
		if err := f.vacate(ctx, key); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// Vacate stages what was sent under the file's name, which another one is about to get, and has nothing
// more sent under it. At a store that cannot do that nothing happens.
func (f *File) Vacate(ctx context.Context) error {
	f.mu.Lock()
	key := f.key
	f.rewrites = true
	f.mu.Unlock()
	if err := f.vacate(ctx, key); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

func (f *File) vacate(ctx context.Context, key string) error {
	if !f.sentUnder(key) {
		return nil
	}
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	if !f.sentUnder(key) {
		return nil
	}
	return f.stageNow()
}

// sentUnder reports that the file has an upload under this name, which is not to become its object.
func (f *File) sentUnder(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err == nil && !f.closed && f.main != nil && !f.main.hidden && f.main.key == key
}

// errTaken says that a name is another file's, who is not asked to make room.
var errTaken = errors.New("its name has another object by now")
