package mem

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// The modes of SSE that make an ETag something else than an MD5.
const (
	sseCustomer = "c"
	sseKMS      = "kms"
	sseKMSDual  = "kms:dsse"
)

// object is what stands under a key. It is never changed.
type object struct {
	blob
	etag       string
	mod        time.Time
	properties objstore.ObjectOptions
	checksum   objstore.Digest
}

// cloneOptions makes properties that share nothing with the caller's.
func cloneOptions(o objstore.ObjectOptions) objstore.ObjectOptions {
	o.Metadata = maps.Clone(o.Metadata)
	o.Tags = maps.Clone(o.Tags)
	o.SSE.CustomerKey = slices.Clone(o.SSE.CustomerKey)
	return o
}

func (o *object) info(key string) objstore.Info {
	properties := cloneOptions(o.properties)
	properties.SSE.CustomerKey = nil
	properties.StorageClass = seenClass(o.properties.StorageClass)
	return objstore.Info{
		Key:              key,
		Size:             o.size,
		ETag:             o.etag,
		ModTime:          o.mod,
		Full:             true,
		ObjectOptions:    properties,
		StorageClassSeen: seenClass(o.properties.StorageClass),
		Checksum:         o.checksum,
	}
}

// told is what answers tell: no ACL, no context of a key, and of tags only that
// there are some.
func (o *object) told(key string) objstore.Info {
	info := o.info(key)
	info.ACL, info.Grants, info.SSE.KMSContext = "", objstore.Grants{}, ""
	if info.Tags = nil; len(o.properties.Tags) > 0 {
		info.TagsFrom = key
	}
	return info
}

// listed is the little that a listing tells.
func (o *object) listed(key string) objstore.Info {
	return objstore.Info{
		Key: key, Size: o.size, ETag: o.etag, ModTime: o.mod,
		StorageClassSeen: seenClass(o.properties.StorageClass),
	}
}

func seenClass(class string) string {
	if class == "STANDARD" {
		return ""
	}
	return class
}

// archived classes cannot be read before they are restored.
func archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// encrypted says that the ETag is not the MD5 of the bytes.
func encrypted(sse objstore.SSE) bool {
	return sse.Mode == sseCustomer || sse.Mode == sseKMS || sse.Mode == sseKMSDual
}

// bodyETag is the ETag of bytes that came in one request.
func (s *Store) bodyETag(kind objstore.ETagKind, b blob, sse objstore.SSE) string {
	if kind == objstore.ETagOpaque || encrypted(sse) {
		return randomHex(md5.Size)
	}
	return hex.EncodeToString(b.sum(objstore.ContentMD5).Sum)
}

// joinedETag is the ETag of an object made of parts.
func (s *Store) joinedETag(parts []*part, sse objstore.SSE) string {
	if s.profile.FinalETag != objstore.ETagMD5OfMD5 || encrypted(sse) {
		return fmt.Sprintf("%s-%d", randomHex(md5.Size), len(parts))
	}
	h := md5.New()
	for _, p := range parts {
		raw, _ := hex.DecodeString(p.etag)
		h.Write(raw)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}

// declared is the CRC that the store takes with every body, if it takes one.
func (s *Store) declared() objstore.Algorithm {
	if s.profile.Digest == objstore.ContentMD5 {
		return objstore.DigestNone
	}
	return s.profile.Digest
}

// kept is the CRC that the store keeps of every part and object: the one that it
// takes, or one of its own.
func (s *Store) kept() objstore.Algorithm {
	return cmp.Or(s.declared(), s.profile.AnswerDigest)
}

// checkDigest refuses a body that is not what its digest says, and digests that
// this kind of store does not know.
func (c call) checkDigest(b blob, d objstore.Digest) error {
	switch {
	case d.IsZero():
		return nil
	case d.Algorithm != objstore.ContentMD5 && d.Algorithm != c.s.declared():
		return c.unsupported("This store does not take " + string(d.Algorithm) + " checksums here.")
	case !b.sum(d.Algorithm).Equal(d):
		return c.fail(objstore.ErrBadDigest, 400, "BadDigest", "The checksum you specified did not match what we received.")
	}
	return nil
}
