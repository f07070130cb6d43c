package uploader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// guarded makes the request that publishes the file, under the guard that was
// set at open, and resolves a guard that does not hold: by what the store holds
// if an answer was lost, by the conflict policy otherwise. ours tells whether an
// object is the one that this request made.
func (f *File) guarded(ctx context.Context, absent objstore.Guard, match bool,
	request func(objstore.Condition) (objstore.Info, error), ours func(objstore.Info) bool,
) (objstore.Info, error) {
	for try := 0; ; try++ {
		cond, err := f.condition(ctx, absent, match)
		var info objstore.Info
		if err == nil {
			info, err = request(cond)
		}
		if err == nil || !guardFailed(err, cond) && !unanswered(err) {
			return info, err
		}
		f.mu.Lock()
		key, exclusive := f.key, f.exclusive
		f.mu.Unlock()
		seen, herr := f.u.store.Head(ctx, key)
		switch {
		case herr == nil && ours(seen):
			return seen, nil
		case !guardFailed(err, cond):
			return info, err
		case herr != nil && !errors.Is(herr, objstore.ErrNotFound):
			return info, fmt.Errorf("look at %q after %v: %w", key, err, herr)
		case exclusive:
			return info, fmt.Errorf("%w: %w", ErrExists, err)
		case f.u.cfg.Conflict != ConflictKeepBoth || try == keepTries:
			return info, fmt.Errorf("%w: %w", ErrConflict, err)
		}
		if err := f.keepOther(ctx, seen, herr == nil); err != nil && !guardFailed(err, objstore.Condition{ETag: seen.ETag}) { // replaced again: the next look tells
			return info, err
		}
	}
}

// keepTries is how often a commit is tried that finds the object of yet another
// writer each time.
const keepTries = 16

// guardFailed reports that an error is a guard that did not hold.
func guardFailed(err error, cond objstore.Condition) bool {
	return errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrConflict) ||
		cond.ETag != "" && errors.Is(err, objstore.ErrNotFound)
}

// condition returns the guard as the store can keep it. For a store that cannot,
// the object is looked at, unless that was done a moment ago.
func (f *File) condition(ctx context.Context, absent objstore.Guard, match bool) (objstore.Condition, error) {
	f.mu.Lock()
	guard, key, exclusive := f.guard, f.key, f.exclusive
	f.mu.Unlock()
	if f.u.cfg.Conflict == ConflictOverwrite && !exclusive {
		return objstore.Condition{}, nil
	}
	var sent objstore.Condition // what goes with the request, also where the store may not look at it
	if guard.Absent && absent.Sent() {
		sent = guard
	}
	switch {
	case guard.Absent && absent.Kept(), guard.ETag != "" && match:
		return guard, nil
	case guard == (objstore.Condition{}), absent == objstore.GuardNone && guard.Absent,
		time.Since(f.opened) < f.u.cfg.Freshness:
		return sent, nil
	}
	seen, err := f.u.store.Head(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound) && guard.Absent:
		return sent, nil
	case err == nil && guard.ETag != "" && seen.ETag == guard.ETag:
		return objstore.Condition{}, nil
	case err != nil && !errors.Is(err, objstore.ErrNotFound):
		return objstore.Condition{}, fmt.Errorf("look at %q: %w", key, err)
	}
	return objstore.Condition{}, fmt.Errorf("%q is another object now: %w", key, objstore.ErrPrecondition)
}

// keepOther moves the object that another writer put under the name to a name of
// its own, and lets the next attempt replace exactly that object.
func (f *File) keepOther(ctx context.Context, seen objstore.Info, exists bool) error {
	f.mu.Lock()
	key := f.key
	f.guard = objstore.Condition{Absent: !exists, ETag: seen.ETag}
	f.mu.Unlock()
	if !exists {
		return nil
	}
	host, _ := os.Hostname()
	kept := fmt.Sprintf("%s.conflict-%s-%s-%s", key, host, time.Now().UTC().Format("20060102T150405.000000"), f.u.nonce[:4])
	if _, err := f.u.Copy(ctx, kept, seen, f.copyOf(seen)); err != nil {
		return fmt.Errorf("keep the other writer's %q: %w", key, err)
	}
	f.u.log.WithField("key", key).WithField("kept", kept).Warn("object was changed by another writer; both are kept")
	return nil
}

// asConflict says that a base object vanished or was replaced under its reader.
func asConflict(err error, src source) error {
	if !src.hidden && (errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrNotFound)) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}
