package probe

import (
	"fmt"
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// digests sends right and wrong digests. The one that the profile uses has to be
// verified: a store that stores what does not match cannot tell what was damaged on
// the way.
func (b *bench) digests() {
	var verified, ignored []objstore.Algorithm
	for _, a := range []objstore.Algorithm{objstore.CRC64NVME, objstore.CRC32C, objstore.ContentMD5} {
		right, wrong := b.lie(a)
		switch {
		case right == nil && wrong != nil:
			verified = append(verified, a)
		case right == nil:
			ignored = append(ignored, a)
		}
	}
	detail := "verified: " + words(verified)
	if len(ignored) > 0 {
		detail += "; ignored without a word: " + words(ignored)
	}
	uses := b.profile.Digest
	switch {
	case slices.Contains(verified, uses) && uses != objstore.ContentMD5:
		b.tell(Check{Name: "digests", Verdict: Good, Detail: detail})
	case len(verified) == 0:
		b.tell(Check{Name: "digests", Verdict: Unsafe, Detail: "what does not match its digest is stored all the same"})
		b.advise("use a store, or a way to it (https), that notices damage; the proxy between may be what drops the digests")
	case !slices.Contains(verified, uses):
		b.differs("digests", Unsafe, "the digest of the profile, "+string(uses)+", is not verified; "+detail, "digest", string(verified[0]))
	case verified[0] != uses && !b.profile.FullDigest:
		b.differs("digests", Better, detail+"; checksums cost less than Content-MD5", "digest", string(verified[0]))
	default:
		b.tell(Check{Name: "digests", Verdict: Good, Detail: detail})
	}
}

// lie puts an object with its digest, and with that of other bytes.
func (b *bench) lie(a objstore.Algorithm) (right, wrong error) {
	key := b.key("digest-" + string(a))
	data := []byte("the bytes that were meant")
	right = b.again(func() error {
		_, err := b.target.Put(b.ctx, key, body(data, a, data), objstore.PutOptions{})
		return err
	})
	if right != nil {
		return right, nil
	}
	other := []byte("the bytes that have arrived")
	if _, err := b.target.Put(b.ctx, key, body(other, a, data), objstore.PutOptions{}); err != nil {
		if same, herr := b.holds(key, data); herr != nil || !same {
			return nil, nil // refused, and stored all the same
		}
		return nil, err
	}
	return nil, nil
}

func words(list []objstore.Algorithm) string {
	if len(list) == 0 {
		return "none"
	}
	return fmt.Sprint(list)
}
