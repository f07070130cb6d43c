package mem

import (
	"context"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Complete implements objstore.Store.
func (s *Store) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (info objstore.Info, err error) {
	c := s.begin(objstore.OpComplete, up.Key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return objstore.Info{}, err
	}
	if s.profile.CheckComplete(opts.Condition) != nil {
		return objstore.Info{}, c.unsupported("This store cannot keep the condition on Complete.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := c.uploadLocked(up)
	if err != nil {
		return objstore.Info{}, err
	}
	chosen, err := c.choose(u, parts)
	if err != nil {
		return objstore.Info{}, err
	}
	if err := c.checkGrid(u, chosen); err != nil {
		return objstore.Info{}, err
	}
	o, err := c.assemble(u, chosen, opts)
	if err != nil {
		return objstore.Info{}, err
	}
	if err := c.checkPlaceLocked(opts.Condition); err != nil {
		return objstore.Info{}, err
	}
	s.placeLocked(u.key, o)
	delete(s.uploads, u.id)
	return objstore.Info{Key: u.key, ETag: o.etag, Size: o.size, ModTime: o.mod, Checksum: o.checksum}, nil
}

// choose finds the parts that the caller lists, which must be in order and be
// those that were acknowledged.
func (c call) choose(u *upload, parts []objstore.Part) ([]*part, error) {
	if len(parts) == 0 || len(parts) > int(c.s.profile.Part.MaxCount) {
		return nil, c.fail(objstore.ErrInvalid, 400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var chosen []*part
	for i, want := range parts {
		if i > 0 && want.Number <= parts[i-1].Number {
			return nil, c.fail(objstore.ErrInvalid, 400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		have := u.parts[want.Number]
		if have == nil || have.etag != want.ETag || mismatch(want.Digest, have.digest) {
			return nil, c.badPart(want.Number, "could not be found, or has another entity tag")
		}
		chosen = append(chosen, have)
	}
	return chosen, nil
}

func mismatch(want, have objstore.Digest) bool {
	return want.Algorithm == have.Algorithm && !want.Equal(have)
}

func (c call) badPart(number int32, why string) error {
	return c.fail(objstore.ErrInvalidPart, 400, "InvalidPart", fmt.Sprintf("Part %d %s", number, why))
}

// checkGrid holds the sizes and numbers of the parts against the profile.
func (c call) checkGrid(u *upload, parts []*part) error {
	limits := c.s.profile.Part
	for i, p := range parts {
		last := i == len(parts)-1
		switch {
		case !last && p.size < limits.Min:
			return c.fail(objstore.ErrInvalid, 400, "EntityTooSmall", fmt.Sprintf("Part %d is smaller than the minimum allowed size", p.number))
		case limits.Equal && !last && p.size != parts[0].size, limits.Equal && last && p.size > parts[0].size:
			return c.badPart(p.number, "is not of the size that all parts but the last must have")
		case limits.Consecutive && p.number != int32(i+1):
			return c.badPart(p.number, "comes after a gap")
		}
	}
	if c.s.profile.CompleteListsAll && len(parts) != len(u.parts) {
		return c.badPart(parts[len(parts)-1].number, "is not all: parts were uploaded that are not listed")
	}
	return nil
}

// assemble makes the object and checks it against what the caller expects.
func (c call) assemble(u *upload, parts []*part, opts objstore.CompleteOptions) (*object, error) {
	blobs := make([]blob, len(parts))
	for i, p := range parts {
		blobs[i] = p.blob
	}
	whole := joinBlobs(blobs)
	if whole.size > c.s.profile.MaxObject {
		return nil, c.fail(objstore.ErrTooLarge, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	}
	o := &object{
		blob:       whole,
		etag:       c.s.joinedETag(parts, u.properties.SSE),
		mod:        c.s.modTime(),
		properties: u.properties,
	}
	if !c.s.profile.FullDigest {
		o.checksum = whole.sum(c.s.profile.AnswerDigest)
		return o, nil
	}
	if opts.Size != 0 && opts.Size != whole.size {
		return nil, c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "The provided 'x-amz-mp-object-size' header value does not match what was computed.")
	}
	o.checksum = whole.sum(c.s.declared())
	if !opts.Digest.IsZero() && !opts.Digest.Equal(o.checksum) {
		return nil, c.fail(objstore.ErrBadDigest, 400, "BadDigest", "The checksum of the whole object did not match the calculated one.")
	}
	return o, nil
}
