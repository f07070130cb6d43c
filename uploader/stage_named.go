package uploader

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// aside is what stood under a name before stageNamed, and where its copy is.
type aside struct {
	exists bool
	was    objstore.Info
	copied objstore.Info // hidden
}

// stageNamed stages an upload that was begun under the file's own name. For the
// time of two copies the name shows what was sent so far; whatever comes of it,
// the name is then given back what it had. So nothing here ends with the file's
// context: a writer that is killed meanwhile must not leave half a file behind.
func (f *File) stageNamed(ctx context.Context, up *upload) error {
	if err := f.fillGaps(ctx, up); err != nil {
		return err
	}
	if err := f.leaveFor(ctx, up.key); err != nil {
		return err
	}
	defer f.cameBack()
	ctx = f.u.ctx
	before, err := f.setAside(ctx, up.key)
	if err != nil {
		return err
	}
	parts := f.partsOf(up)
	opts, list := f.u.completion(parts)
	opts.Condition = asItWas(f.u.profile, before)
	expect := f.u.profile.JoinedETag(list)
	finished, staged, err := f.completeAside(ctx, up, list, opts, expect)
	mine := func(seen objstore.Info) bool {
		return finished.ETag != "" && seen.ETag == finished.ETag || up.made(seen, opts, expect)
	}
	if back := f.putBack(ctx, up.key, before, mine); back != nil {
		f.u.log.WithError(back).WithField("key", up.key).WithField("copy", before.copied.Key).Error("name shows a half-written file")
		f.discardHidden(staged.key)
		return errors.Join(before.notRestored(back), err)
	}
	f.discardHidden(before.copied.Key)
	if err != nil {
		return fmt.Errorf("stage %q: %w", up.key, err)
	}
	f.u.stats.staged.Add(1)
	f.becomeBase(up, parts, staged)
	return nil
}

// leaveFor begins a detour. Who had the name before, and is on one himself, is waited for, and
// so is who is about to delete it.
func (f *File) leaveFor(ctx context.Context, key string) error {
	f.mu.Lock()
	named := !f.unlinked
	f.mu.Unlock()
	if named {
		if err := f.u.vacateFor(ctx, key, f); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.leaving {
		if err := f.waitLocked(ctx); err != nil {
			return err
		}
	}
	f.detour = key
	return nil
}

// cameBack ends a detour, and counts it.
func (f *File) cameBack() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.detour = ""
	f.detours++
	f.changedLocked()
}

// setAside copies the object under a name, if there is one, to a hidden key.
func (f *File) setAside(ctx context.Context, key string) (aside, error) {
	was, err := f.u.store.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return aside{}, nil
	}
	if err != nil {
		return aside{}, fmt.Errorf("look at %q: %w", key, err)
	}
	f.mu.Lock()
	taken := f.unlinked
	f.mu.Unlock()
	if taken {
		return aside{}, fmt.Errorf("stage %q: %w: %w", key, errTaken, ErrConflict)
	}
	copied, err := f.copyHidden(ctx, was)
	if err != nil {
		return aside{}, fmt.Errorf("set %q aside: %w", key, err)
	}
	return aside{true, was, copied}, nil
}

// notRestored says that the name did not get back what it had, and where that is.
func (a aside) notRestored(why error) error {
	if !a.exists {
		return fmt.Errorf("%w (there was nothing): %w", ErrNotRestored, why)
	}
	return fmt.Errorf("%w (it is in %q): %w", ErrNotRestored, a.copied.Key, why)
}

// copyHidden copies an object to a hidden key.
func (f *File) copyHidden(ctx context.Context, src objstore.Info) (objstore.Info, error) {
	key := f.u.hiddenKey()
	info, err := f.u.Copy(ctx, key, src, objstore.CopyOptions{ObjectOptions: objstore.ObjectOptions{SSE: f.encryptionOf(src)}})
	if err != nil {
		f.discardHidden(key) // it may be there all the same
	}
	return info, err
}

// discardHidden removes a hidden object, if there is one, in the background.
func (f *File) discardHidden(key string) {
	if key == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tidyLocked(nil, []source{{key: key, hidden: true}})
}

// completeAside completes the upload where it is, and copies its object. The
// object's ETag is returned where it is known, also if something failed later.
func (f *File) completeAside(ctx context.Context, up *upload, list []objstore.Part, opts objstore.CompleteOptions, expect string) (objstore.Info, source, error) {
	info, err := f.u.finishUpload(ctx, up, list, opts, expect)
	if err != nil {
		return objstore.Info{}, source{}, asConflict(err, source{})
	}
	if err := f.u.verify(ctx, up.key, &info, opts, expect); err != nil {
		return info, source{}, err
	}
	info.Key, info.Size = up.key, opts.Size
	hidden, err := f.copyHidden(ctx, info)
	return info, source{key: hidden.Key, etag: hidden.ETag, size: opts.Size, hidden: true}, err
}

// putBack gives the name back what it had, if it shows what stageNamed put there.
func (f *File) putBack(ctx context.Context, key string, before aside, mine func(objstore.Info) bool) error {
	seen, err := f.u.store.Head(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look at %q: %w", key, err)
	case !mine(seen): // never completed, or replaced by another writer: the guard tells
		return nil
	case !before.exists:
		return f.u.store.Delete(ctx, key)
	}
	info, err := f.u.Copy(ctx, key, before.copied, f.copyOf(before.was))
	if err != nil {
		return fmt.Errorf("copy %q: %w", before.copied.Key, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restoredLocked(key, before.was.ETag, info.ETag)
	return nil
}

// restoredLocked says that an object has another ETag now, being a copy of itself.
func (f *File) restoredLocked(key, old, now string) {
	if f.hasBase && f.base.Key == key && f.base.ETag == old {
		src := source{key: f.base.Key, etag: f.base.ETag, size: f.base.Size}
		for i := range f.remotes {
			if f.remotes[i].src == src {
				f.remotes[i].src.etag = now
			}
		}
		f.base.ETag = now
	}
	if f.guard.ETag == old {
		f.guard.ETag = now
	}
}

// asItWas is the guard of a name's state, as far as Complete can keep it.
func asItWas(p *objstore.Profile, before aside) objstore.Condition {
	switch {
	case before.exists && p.IfMatchDone:
		return objstore.Condition{ETag: before.was.ETag}
	case !before.exists && p.NoClobberDone.Sent():
		return objstore.Condition{Absent: true}
	}
	return objstore.Condition{}
}
