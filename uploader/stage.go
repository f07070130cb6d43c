package uploader

import (
	"context"
	"fmt"
	"sort"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// stage makes a finished, hidden object of the parts sent so far, so that they
// can be read and copied like any other base bytes. An upload under a hidden key
// is simply completed. One that was begun under the file's own name cannot be
// finished under another: it is completed where it is, copied aside, and what
// was there before is put back. The caller has the file to itself.
func (f *File) stage(ctx context.Context) error {
	if !f.u.profile.PartCopy {
		return fmt.Errorf("write again what was sent: %w", objstore.ErrUnsupported)
	}
	f.mu.Lock()
	up := f.main
	f.rewrites = true
	f.mu.Unlock()
	if up == nil {
		return nil
	}
	if up.hidden || len(f.partsOf(up)) == 0 {
		if err := f.complete(up); err != nil {
			return err
		}
	} else if err := f.stageNamed(ctx, up); err != nil {
		return err
	}
	f.mu.Lock()
	f.main = nil
	f.mu.Unlock()
	return nil
}

// stageNow stages for somebody who needs it before the commit does. A failure is
// final for the file, but at a store that cannot do it nothing has happened.
func (f *File) stageNow() error {
	if !f.u.profile.PartCopy {
		return fmt.Errorf("take back what was sent: %w", objstore.ErrUnsupported)
	}
	return f.final(f.stage(f.ctx))
}

// final makes a failure, if there is one, the file's own.
func (f *File) final(err error) error {
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failLocked(err)
	}
	return err
}

// fillGaps sends zeros under the part numbers that are missing between those
// sent, for stores that refuse gaps. Nothing ever reads them.
func (f *File) fillGaps(ctx context.Context, up *upload) error {
	if !f.u.profile.Part.Consecutive && !f.u.profile.Part.Equal {
		return nil
	}
	size := f.u.profile.Part.Min
	if f.u.profile.Part.Equal {
		size = f.u.grid.length(0)
	}
	next := int32(1)
	for _, s := range f.partsOf(up) {
		for ; next < s.part.Number; next++ {
			b := &body{u: f.u}
			b.zero(size)
			filler, err := f.u.sendPart(ctx, up, next, b)
			if err != nil {
				return err
			}
			f.mu.Lock()
			up.parts[next] = filler
			f.mu.Unlock()
		}
		next++
	}
	return nil
}

// partsOf returns the parts of an upload in order, those included that are at the
// store and none of the file's any more.
func (f *File) partsOf(up *upload) []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sent, 0, len(up.parts))
	for _, s := range up.parts {
		out = append(out, s)
	}
	out = append(out, up.straysLocked()...)
	sort.Slice(out, func(i, j int) bool { return out[i].part.Number < out[j].part.Number })
	return out
}

// deleteAll removes hidden objects that nothing reads any more.
func (u *Uploader) deleteAll(staged []source) {
	for _, s := range staged {
		if err := u.deleteHidden(u.ctx, s.key); err != nil {
			u.DeleteLater(s.key)
			u.log.WithError(err).WithField("key", s.key).Error("cannot remove hidden object")
		}
	}
}
