package uploader

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// completeMain makes the object of its parts, under the file's guard, and checks
// that the store now holds what was written.
func (f *File) completeMain(ctx context.Context, up *upload, parts []sent) (objstore.Info, error) {
	opts, list := f.u.completion(parts)
	expect := f.u.profile.JoinedETag(list)
	info, err := f.guarded(ctx, f.u.profile.NoClobberDone, f.u.profile.IfMatchDone, func(c objstore.Condition) (objstore.Info, error) {
		opts.Condition = c
		return f.u.finishUpload(ctx, up, list, opts, expect)
	}, func(info objstore.Info) bool { return f.u.completed(ctx, up, info, opts, expect) })
	if err != nil {
		return info, err
	}
	return info, f.u.verify(ctx, up.key, &info, opts, expect)
}

// complete finishes an upload under a hidden key. Its bytes are then base bytes
// of the file wherever they were not written again.
func (f *File) complete(up *upload) error {
	if err := f.fillGaps(f.ctx, up); err != nil {
		return err
	}
	parts := f.partsOf(up)
	if len(parts) == 0 {
		f.u.abortAll([]*upload{up})
		return nil
	}
	return f.finishHidden(up, parts)
}

// finishHidden makes the object of the parts of a hidden upload.
func (f *File) finishHidden(up *upload, parts []sent) error {
	opts, list := f.u.completion(parts)
	expect := f.u.profile.JoinedETag(list)
	info, err := f.u.finishUpload(f.ctx, up, list, opts, expect)
	if err == nil {
		err = f.u.verify(f.ctx, up.key, &info, opts, expect)
	}
	if err != nil {
		f.mu.Lock()
		f.staged = append(f.staged, source{key: up.key, hidden: true}) // it may be there all the same
		f.mu.Unlock()
		return fmt.Errorf("complete %q: %w", up.key, err)
	}
	f.u.stats.staged.Add(1)
	f.becomeBase(up, parts, source{key: up.key, etag: info.ETag, size: opts.Size, hidden: true})
	return nil
}

// becomeBase lays the parts of a finished hidden object under the file.
func (f *File) becomeBase(up *upload, parts []sent, src source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var off int64
	for _, s := range parts {
		end := min(s.at.to, f.size)
		if s.at.from < end {
			f.remotes = f.remotes.put(remote{span{s.at.from, end}, src, off})
		}
		off += s.part.Size
	}
	f.staged = append(f.staged, src)
	f.forgetLocked(up) // before any cell of it can be sent again
	for i, c := range f.cells {
		if c.upload != up {
			continue
		}
		c.part, c.upload, c.valid = objstore.Part{}, nil, 0
		if len(c.have) == 0 {
			c.state = clean
			delete(f.cells, i)
		}
		f.u.age(c)
	}
}

// forgetLocked takes an upload that ended off the file.
func (f *File) forgetLocked(up *upload) {
	if f.main == up {
		f.main = nil
	}
	if f.folding == up {
		f.folding = nil
	}
	maps.DeleteFunc(f.segments, func(_ int, s *upload) bool { return s == up })
}

// completion puts together what Complete is told of the parts.
func (u *Uploader) completion(parts []sent) (objstore.CompleteOptions, []objstore.Part) {
	var opts objstore.CompleteOptions
	list := make([]objstore.Part, len(parts))
	known, sum := true, uint64(0)
	for i, s := range parts {
		list[i] = s.part
		opts.Size += s.part.Size
		known = known && s.sumOK
		sum = u.crc.combine(sum, s.sum, s.part.Size)
	}
	if known && (u.profile.Digest == u.crc.algorithm || u.profile.AnswerDigest == u.crc.algorithm) {
		opts.Digest = u.crc.digest(sum)
	}
	return opts, list
}

// finishUpload sends Complete. An answer that says the upload is gone may be the
// echo of an attempt that succeeded: the object tells.
func (u *Uploader) finishUpload(ctx context.Context, up *upload, list []objstore.Part, opts objstore.CompleteOptions, expect string) (objstore.Info, error) {
	if !u.profile.FullDigest && u.profile.AnswerDigest == objstore.DigestNone {
		opts.Digest = objstore.Digest{}
	}
	info, err := u.store.Complete(ctx, up.ref, list, opts)
	if err == nil || !errors.Is(err, objstore.ErrNoSuchUpload) && !errors.Is(err, objstore.ErrInternal) && !unanswered(err) {
		return info, err
	}
	seen, herr := u.store.Head(ctx, up.key)
	if herr == nil && u.completed(ctx, up, seen, opts, expect) {
		return seen, nil
	}
	return info, err
}

// completed reports that an object is the one that the upload was completed to. Where only its bytes
// tell, an older object of the same bytes looks like it: an upload that is still there was not completed.
func (u *Uploader) completed(ctx context.Context, up *upload, seen objstore.Info, opts objstore.CompleteOptions, expect string) bool {
	return up.made(seen, opts, expect) && (up.mark != "" || !u.unfinished(ctx, up))
}

// unfinished reports that the store lists parts of an upload. Any other answer says nothing: some
// stores answer strangely for one that is completed.
func (u *Uploader) unfinished(ctx context.Context, up *upload) bool {
	page, err := u.store.ListParts(ctx, up.ref, 0)
	return err == nil && len(page.Parts) > 0
}

// unanswered reports that a request failed that may have taken effect.
func unanswered(err error) bool {
	var e *objstore.Error
	return errors.As(err, &e) && e.Sent
}

// made reports that an object is the one that the upload was completed to: by its mark, or where
// it has none by its ETag or its checksum. A bucket that encrypts by itself has other ETags.
func (up *upload) made(info objstore.Info, opts objstore.CompleteOptions, expect string) bool {
	switch {
	case info.Size != opts.Size:
		return false
	case up.mark != "":
		return info.Metadata[MetaID] == up.mark
	case expect != "" && strings.EqualFold(info.ETag, expect):
		return true
	}
	return !opts.Digest.IsZero() && info.Checksum.Equal(opts.Digest)
}

// wasPut reports that an object is the one that was put. Where the one before may have had the same
// bytes, which then tell nothing, the properties do that were put with them: a time in
// nanoseconds is among them, unless it is the same object in all that anybody can see.
func (f *File) wasPut(seen objstore.Info, b *body, sum uint64, mark string, sent objstore.ObjectOptions) bool {
	if !f.u.sameBody(seen, b, sum, mark) {
		return false
	}
	return mark != "" || !f.mayBeOlder(seen) || maps.Equal(seen.Metadata, sent.Metadata)
}

// mayBeOlder reports that an object may have been there before the file is committed.
func (f *File) mayBeOlder(seen objstore.Info) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guard == objstore.Condition{} || f.guard.ETag == seen.ETag
}

// sameBody reports that an object is the one that was put: by its mark, or
// where it has none by its bytes.
func (u *Uploader) sameBody(info objstore.Info, b *body, sum uint64, mark string) bool {
	switch {
	case info.Size != b.size:
		return false
	case mark != "":
		return info.Metadata[MetaID] == mark
	}
	if s, ok := u.crc.sum(info.Checksum); ok {
		return s == sum
	}
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return false
	}
	d, err := md5Of(b)
	return err == nil && strings.EqualFold(info.ETag, hex.EncodeToString(d.Sum))
}

// differs reports that a store acknowledged another digest than was sent. One
// that it does not tell, or of another kind, says nothing.
func differs(sent, acknowledged objstore.Digest) bool {
	return !acknowledged.IsZero() && acknowledged.Algorithm == sent.Algorithm && !acknowledged.Equal(sent)
}

// verify makes sure that the store holds what was sent: by the object's checksum
// or its ETag where they tell, else by its size.
func (u *Uploader) verify(ctx context.Context, key string, info *objstore.Info, opts objstore.CompleteOptions, expect string) error {
	if expect != "" && strings.EqualFold(info.ETag, expect) {
		return nil
	}
	if u.proven(*info, opts) {
		return nil
	}
	seen, err := u.store.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return fmt.Errorf("the finished object is not there: %w", ErrIntegrity)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	if seen.Size != opts.Size {
		return fmt.Errorf("%d bytes stored of %d: %w", seen.Size, opts.Size, ErrIntegrity)
	}
	if differs(opts.Digest, seen.Checksum) {
		return fmt.Errorf("checksum of the finished object: %w", ErrIntegrity)
	}
	if info.ETag == "" {
		info.ETag, info.ModTime = seen.ETag, seen.ModTime
	}
	return nil
}

// proven reports that the answer to Complete has the checksum of what was sent.
func (u *Uploader) proven(info objstore.Info, opts objstore.CompleteOptions) bool {
	return !opts.Digest.IsZero() && info.Checksum.Equal(opts.Digest)
}
