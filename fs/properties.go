package fs

import (
	"context"
	"syscall"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// given are the properties that the mount's configuration gives an object by its
// key. What the mount keeps for itself is only encrypted as everything else is.
func (f *FileSystem) given(key string) objstore.ObjectOptions {
	o := f.cfg.Options(key)
	if f.cfg.Hide(key) {
		return objstore.ObjectOptions{SSE: o.SSE}
	}
	return o
}

// had are the properties of an object, as far as they are known.
func (f *FileSystem) had(info objstore.Info) objstore.ObjectOptions {
	o := info.ObjectOptions
	if o.StorageClass == "" {
		o.StorageClass = info.StorageClassSeen
	}
	return o
}

// newOptions are the properties of an object that is made, in place of one that had
// others where there was one: those, what the mount is configured to give, and what
// POSIX knows of it.
func (f *FileSystem) newOptions(key string, had objstore.ObjectOptions, a attributes) objstore.ObjectOptions {
	o := objstore.Rewritten(had, f.given(key))
	if f.cfg.Metadata == MetadataPosix {
		o.Metadata = a.encode(o.Metadata)
	}
	return o
}

// smallOptions are those of objects that stand for something else than a file's
// bytes: the name says nothing of what is in them, and what stores charge for other
// classes at the least is more than they are.
func (f *FileSystem) smallOptions(key string, a attributes) objstore.ObjectOptions {
	o := f.newOptions(key, objstore.ObjectOptions{}, a)
	if a.mode&syscall.S_IFMT != syscall.S_IFREG {
		o.StorageClass, o.ContentType = "", ""
	}
	return o
}

// rewrites makes the properties of an object that is written on those that the
// mount gives it where it has none.
func (f *FileSystem) rewrites(key string) func(*objstore.ObjectOptions) {
	rules := f.given(key)
	return func(o *objstore.ObjectOptions) { *o = objstore.Rewritten(*o, rules) }
}

// renames makes the properties of an object that is not stored yet those of its new
// name.
func (f *FileSystem) renames(from, to string) func(*objstore.ObjectOptions) {
	was, now := f.given(from), f.given(to)
	return func(o *objstore.ObjectOptions) { *o = objstore.Carried(*o, was, now) }
}

// copyOptions are the properties of a copy, all that the store does not copy by
// itself among them. Where some change, and those of the source are not known, they are asked
// for, and the source returned with them.
func (f *FileSystem) copyOptions(ctx context.Context, key string, source objstore.Info, attr *attributes) (objstore.CopyOptions, objstore.Info, error) {
	was, now := f.given(source.Key), f.given(key)
	if key == source.Key { // another mode or time, and nothing else
		was = objstore.ObjectOptions{ACL: now.ACL, Grants: now.Grants, SSE: now.SSE}
		now = was
	}
	if !source.Full && (attr != nil || !objstore.SameHeaders(was, now)) {
		full, err := f.fullSource(ctx, source)
		if err != nil {
			return objstore.CopyOptions{}, source, err
		}
		source = full
	}
	had := f.had(source)
	o := objstore.CopyOptions{ObjectOptions: objstore.Carried(had, was, now)}
	if attr != nil {
		o.Metadata = attr.encode(o.Metadata)
	}
	if f.cfg.Hide(key) {
		o.StorageClass = "" // it does not stay for as long as others charge for
	}
	o.Replace = attr != nil || source.Full && !objstore.SameHeaders(had, o.ObjectOptions)
	return o, source, nil
}

// fullSource asks for the properties of an object that is to be copied.
func (f *FileSystem) fullSource(ctx context.Context, source objstore.Info) (objstore.Info, error) {
	if source.Full {
		return source, nil
	}
	full, err := f.cfg.Cache.Stat(ctx, source.Key)
	if err == nil && full.ETag != source.ETag {
		err = objstore.ErrPrecondition
	}
	return full, err
}
