package uploader

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// MetaID is the name of the user metadata by which an object is known again as
// the one that a request made, after its answer was lost.
const MetaID = "sluicefs-id"

// LongestID is as long as its value can be: 16 hexadecimal digits, a dash, and the digits of a uint64.
const LongestID = "0123456789abcdef-18446744073709551615"

// tagged adds a mark, and returns it, where the ETag cannot tell who made an
// object: where it is not made of the bytes, and where bytes alone do not tell,
// which is when two create an object exclusively. Elsewhere the mark is "".
func (u *Uploader) tagged(o objstore.ObjectOptions, exclusive bool) (objstore.ObjectOptions, string) {
	plain := o.SSE.Mode == "" || o.SSE.Mode == "aes256" // other keys make ETags opaque
	if !exclusive && plain && u.profile.FinalETag == objstore.ETagMD5OfMD5 && u.profile.PartETag == objstore.ETagMD5 {
		return o, ""
	}
	o = cloneOptions(o)
	mark := fmt.Sprintf("%s-%d", u.nonce, u.names.Add(1))
	o.Metadata[MetaID] = mark
	return o, mark
}

// customerKey keeps of an encryption what every request has to carry.
func customerKey(s objstore.SSE) objstore.SSE {
	if s.Mode != "c" {
		return objstore.SSE{}
	}
	return s
}

// copyOf gives a copy what a store does not copy by itself, as the object has it
// or, where nobody tells, as the file will.
func (f *File) copyOf(src objstore.Info) objstore.CopyOptions {
	f.mu.Lock()
	o := objstore.ObjectOptions{ACL: f.options.ACL, Grants: f.options.Grants}
	f.mu.Unlock()
	o.StorageClass, o.SSE = src.StorageClass, f.encryptionOf(src)
	return objstore.CopyOptions{ObjectOptions: o}
}

// encryptionOf is how an object is encrypted; as the file will be where it is not known.
func (f *File) encryptionOf(src objstore.Info) objstore.SSE {
	if src.Full {
		return src.SSE
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.options.SSE
}

// resolveOptions returns the properties that the object gets now, asking for
// those of the base where they are not known, and their version.
func (f *File) resolveOptions(ctx context.Context) (objstore.ObjectOptions, int, error) {
	f.mu.Lock()
	base, ask := f.base, f.hasBase && !f.base.Full
	f.mu.Unlock()
	if ask {
		info, err := f.u.store.Head(ctx, base.Key)
		gone := errors.Is(err, objstore.ErrNotFound)
		other := gone || err == nil && info.ETag != base.ETag
		switch {
		case err != nil && !gone:
			return objstore.ObjectOptions{}, 0, fmt.Errorf("look at %q: %w", base.Key, err)
		case other && f.u.cfg.Conflict == ConflictFail:
			return objstore.ObjectOptions{}, 0, fmt.Errorf("look at %q: %w", base.Key, ErrConflict)
		}
		f.mu.Lock()
		if other { // it will be replaced all the same, and has the only properties there are
			f.adoptLocked(info.ObjectOptions)
		}
		f.learnLocked(info)
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return cloneOptions(f.options), f.version, nil
}
