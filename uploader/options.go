package uploader

import (
	"context"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// metaID is the name of the user metadata by which an object of a store with
// opaque ETags is known as this mount's own after an answer was lost.
const metaID = "sluicefs-id"

// tagged adds the mark by which an object is known again, where ETags cannot tell.
func (u *Uploader) tagged(o objstore.ObjectOptions) objstore.ObjectOptions {
	if u.profile.FinalETag == objstore.ETagMD5OfMD5 {
		return o
	}
	o = cloneOptions(o)
	o.Metadata[metaID] = u.nonce
	return o
}

// customerKey keeps of an encryption what every request has to carry.
func customerKey(s objstore.SSE) objstore.SSE {
	if s.Mode != "c" {
		return objstore.SSE{}
	}
	return s
}

// resolveOptions returns the properties that the object gets now, asking for
// those of the base where they are not known, and their version.
func (f *File) resolveOptions(ctx context.Context) (objstore.ObjectOptions, int, error) {
	f.mu.Lock()
	base, ask := f.base, f.hasBase && !f.base.Full
	f.mu.Unlock()
	if ask {
		info, err := f.u.store.Head(ctx, base.Key)
		if err != nil {
			return objstore.ObjectOptions{}, 0, fmt.Errorf("look at %q: %w", base.Key, err)
		}
		if info.ETag != base.ETag {
			return objstore.ObjectOptions{}, 0, fmt.Errorf("look at %q: %w", base.Key, ErrConflict)
		}
		f.mu.Lock()
		f.learnLocked(info)
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return cloneOptions(f.options), f.version, nil
}
