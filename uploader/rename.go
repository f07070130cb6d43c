package uploader

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Rename makes the next commit go to another key, under a guard of its own. An
// object that was committed under the old key is the caller's to move, who then
// calls Rebase. Parts that were sent under the old name are staged first, for an
// upload cannot change its name.
func (f *File) Rename(ctx context.Context, key string, guard objstore.Condition) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	if err := f.stageOther(key); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.guard, f.exclusive = key, guard, false
	return nil
}

// BeforeRename does what Rename may fail at, for callers who have something to do first that
// cannot be undone.
func (f *File) BeforeRename(ctx context.Context) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.done()
	return f.stageOther("")
}

// stageOther stages what was sent under any other name than this.
func (f *File) stageOther(key string) error {
	f.mu.Lock()
	sent := f.main != nil && !f.main.hidden && f.main.key != key
	f.mu.Unlock()
	if !sent {
		return nil
	}
	return f.stageNow()
}
