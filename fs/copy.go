package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// copyWith copies an object at the store, with other attributes where they are
// given. The answer is Full where the source was.
func (f *FileSystem) copyWith(ctx context.Context, key string, source objstore.Info, attr *attributes) (objstore.Info, error) {
	if key != source.Key {
		if err := f.cfg.Uploader.Vacate(ctx, key); err != nil {
			return objstore.Info{}, fmt.Errorf("copy %q: %w", source.Key, err)
		}
	}
	if source.Size > f.cfg.Store.Profile().MaxCopy {
		return f.copyLarge(ctx, key, source, attr)
	}
	o, source, err := f.copyOptions(ctx, key, source, attr)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	if guard := (objstore.Condition{ETag: source.ETag}); key == source.Key && f.cfg.Store.Profile().CheckCopy(guard) == nil {
		o.Condition = guard
	}
	src := objstore.CopySource{Key: source.Key, IfMatch: source.ETag, SSE: source.SSE}
	info, err := f.cfg.Store.Copy(ctx, key, src, o)
	if errors.Is(err, objstore.ErrInvalid) && source.Size == 0 && strings.HasSuffix(source.Key, "/") {
		return f.copyMarker(ctx, key, source)
	}
	if err != nil && key == source.Key {
		info, err = f.copiedBefore(ctx, source, o, err)
	}
	if err != nil {
		return info, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	if key == source.Key && info.ModTime.Equal(source.ModTime) && f.cfg.Now().Sub(info.ModTime) > anHour {
		f.cfg.Cache.KeepsTime()
	}
	return copied(info, key, source, o.ObjectOptions), nil
}

// anHour is more than the clocks of a store and of this machine differ.
const anHour = time.Hour

// copiedBefore looks whether a copy of an object onto itself that failed is there all the
// same: the answer to the last attempt may be lost, or that to an earlier one, and the last finds
// another ETag than that of the source. The object is known as our own by its metadata, with a
// time in nanoseconds.
func (f *FileSystem) copiedBefore(ctx context.Context, source objstore.Info, o objstore.CopyOptions, failure error) (objstore.Info, error) {
	var e *objstore.Error
	if !errors.As(failure, &e) || !e.Sent {
		return objstore.Info{}, failure
	}
	f.cfg.Cache.Invalidate(source.Key)
	seen, err := f.cfg.Cache.Stat(ctx, source.Key)
	if err == nil && seen.Size == source.Size && maps.Equal(seen.Metadata, o.Metadata) {
		return seen, nil
	}
	return objstore.Info{}, failure
}

// copyLarge copies an object that is too large for one request. A new upload takes
// nothing over by itself.
func (f *FileSystem) copyLarge(ctx context.Context, key string, source objstore.Info, attr *attributes) (objstore.Info, error) {
	source, err := f.fullSource(ctx, source)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	o, source, err := f.copyOptions(ctx, key, source, attr)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	o.Replace = true
	info, err := f.cfg.Uploader.Copy(ctx, key, source, o)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("copy %q of %d bytes: %w", source.Key, source.Size, err)
	}
	return copied(info, key, source, o.ObjectOptions), nil
}

// copyMarker makes a marker like another where the store does not copy markers:
// versitygw takes the size of a folder for that of the object.
func (f *FileSystem) copyMarker(ctx context.Context, key string, source objstore.Info) (objstore.Info, error) {
	full, err := f.cfg.Cache.Stat(ctx, source.Key)
	if err != nil {
		return full, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	o, full, err := f.copyOptions(ctx, key, full, nil)
	if err != nil {
		return full, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	body := objstore.Body{Reader: bytes.NewReader(nil), Digest: objstore.SumOf(f.cfg.Store.Profile().Digest)}
	info, err := f.cfg.Store.Put(ctx, key, body, objstore.PutOptions{ObjectOptions: o.ObjectOptions})
	if err != nil {
		return info, fmt.Errorf("copy %q: %w", source.Key, err)
	}
	info.Full = true
	return copied(info, key, full, o.ObjectOptions), nil
}

// copied is what is known of a copy.
func copied(answer objstore.Info, key string, source objstore.Info, o objstore.ObjectOptions) objstore.Info {
	info := source
	info.Key, info.ETag, info.ModTime = key, answer.ETag, answer.ModTime
	info.VersionID, info.Checksum = answer.VersionID, answer.Checksum
	if source.Full {
		if info.ObjectOptions = o; o.TagsFrom != "" || len(o.Tags) > 0 {
			info.Tags, info.TagsFrom = nil, key
		}
	}
	if info.StorageClassSeen = o.StorageClass; o.StorageClass == "STANDARD" {
		info.StorageClassSeen = ""
	}
	return info
}
