package probe

import (
	"errors"
	"fmt"
	"maps"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// objects asks whether an object can be made, looked at and read. Without that
// there is nothing more to ask.
func (b *bench) objects() bool {
	data := []byte("written by sluicefs doctor\n")
	meta := map[string]string{"mtime": "1700000000.5", "mode": "33188"}
	key := b.key("object")
	_, err := b.put(b.target, key, data, objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Metadata: meta}})
	if err != nil {
		b.tell(Check{Name: "write", Verdict: Unsafe, Detail: err.Error(), Permission: denied(err, "s3:PutObject")})
		b.advise("without writing, only sluicefs mount --read-only is of use")
		return false
	}
	b.tell(Check{Name: "write", Verdict: Good})
	same, err := b.holds(key, data)
	switch {
	case err != nil:
		b.tell(Check{Name: "read", Verdict: Unsafe, Detail: err.Error(), Permission: denied(err, "s3:GetObject")})
		return false
	case !same:
		b.tell(Check{Name: "read", Verdict: Unsafe, Detail: "what comes back is not what was written"})
		return false
	}
	b.tell(Check{Name: "read", Verdict: Good})
	info, err := b.target.Head(b.ctx, key)
	switch {
	case err != nil:
		b.tell(Check{Name: "metadata", Verdict: Unsafe, Detail: err.Error(), Permission: denied(err, "s3:GetObject")})
		return false
	case !maps.Equal(info.Metadata, meta):
		b.tell(Check{Name: "metadata", Verdict: Warning, Detail: fmt.Sprintf("comes back as %q", info.Metadata)})
		b.advise("mount with --metadata=none: modes and times of files would get lost")
	default:
		b.tell(Check{Name: "metadata", Verdict: Good})
	}
	b.lookForNothing()
	return true
}

// lookForNothing asks for an object that is not there. A store that answers "denied"
// for lack of the right to list makes every new file fail.
func (b *bench) lookForNothing() {
	_, err := b.target.Head(b.ctx, b.prefix+"nothing")
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		b.tell(Check{Name: "absence", Verdict: Good})
	case errors.Is(err, objstore.ErrAccessDenied):
		b.tell(Check{Name: "absence", Verdict: Unsafe, Detail: "a name that is not there is answered with a refusal", Permission: "s3:ListBucket"})
	default:
		b.tell(Check{Name: "absence", Verdict: Unsafe, Detail: fmt.Sprintf("a name that is not there is answered with %v", err)})
	}
}

// lists asks whether names come back as they are.
func (b *bench) lists() {
	odd := b.key("odd a+b&c=ü%41")
	if _, err := b.put(b.target, odd, nil, objstore.PutOptions{}); err != nil {
		b.tell(Check{Name: "list", Verdict: Warning, Detail: "a key with spaces and signs is refused: " + err.Error()})
		return
	}
	ask := func(v2, encode bool) (found bool, err error) {
		t, err := b.as(func(p *objstore.Profile) { p.ListV2, p.ListURLEncode = v2, encode })
		if err != nil {
			return false, err
		}
		page, err := t.List(b.ctx, objstore.ListOptions{Prefix: b.prefix})
		for _, o := range page.Objects {
			found = found || o.Key == odd
		}
		return found, err
	}
	found, err := ask(b.profile.ListV2, b.profile.ListURLEncode)
	switch {
	case err == nil && found:
		b.tell(Check{Name: "list", Verdict: Good})
		return
	case errors.Is(err, objstore.ErrAccessDenied):
		b.tell(Check{Name: "list", Verdict: Unsafe, Detail: err.Error(), Permission: "s3:ListBucket"})
		return
	}
	for _, way := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
		if ok, werr := ask(way[0], way[1]); werr == nil && ok {
			b.differs("list", Unsafe, "the listing that the profile asks for does not show what was written", "list-v2", onOff(way[0]))
			b.differs("list encoding", Warning, "", "list-url-encode", onOff(way[1]))
			return
		}
	}
	b.tell(Check{Name: "list", Verdict: Unsafe, Detail: fmt.Sprintf("a name that was written is not listed (%v)", err)})
}

// copies asks for a copy at the server, by which files are renamed.
func (b *bench) copies() {
	info, err := b.target.Copy(b.ctx, b.key("copy"), objstore.CopySource{Key: b.prefix + "object"}, objstore.CopyOptions{})
	if err != nil || info.ETag == "" {
		b.tell(Check{Name: "copy", Verdict: Warning, Detail: fmt.Sprintf("files cannot be renamed: %v", err), Permission: denied(err, "s3:GetObject")})
		return
	}
	b.tell(Check{Name: "copy", Verdict: Good})
}

// deletes asks for the right to delete, and how many are.
func (b *bench) deletes() {
	if err := b.target.Delete(b.ctx, b.prefix+"copy"); err != nil {
		b.tell(Check{Name: "delete", Verdict: Warning, Detail: "nothing can be removed or renamed: " + err.Error(), Permission: denied(err, "s3:DeleteObject")})
		return
	}
	if _, err := b.target.Head(b.ctx, b.prefix+"copy"); !errors.Is(err, objstore.ErrNotFound) {
		b.tell(Check{Name: "delete", Verdict: Warning, Detail: "what was removed is still there"})
		return
	}
	b.tell(Check{Name: "delete", Verdict: Good})
	works := map[objstore.Algorithm]bool{}
	for _, a := range []objstore.Algorithm{objstore.ContentMD5, objstore.CRC32C} {
		t, err := b.as(func(p *objstore.Profile) { p.DeleteDigest = a })
		if err != nil {
			continue
		}
		key := b.key("many-" + string(a))
		if _, err := b.put(b.target, key, nil, objstore.PutOptions{}); err != nil {
			continue
		}
		failed, err := t.DeleteMany(b.ctx, []string{key})
		_, herr := b.target.Head(b.ctx, key)
		works[a] = err == nil && len(failed) == 0 && errors.Is(herr, objstore.ErrNotFound)
	}
	uses := b.profile.DeleteDigest
	switch {
	case works[uses]:
		b.tell(Check{Name: "delete many", Verdict: Good})
	case works[objstore.ContentMD5]:
		b.differs("delete many", ifElseV(uses == objstore.DigestNone, Better, Warning), "wants Content-MD5", "delete-digest", string(objstore.ContentMD5))
	case works[objstore.CRC32C]:
		b.differs("delete many", ifElseV(uses == objstore.DigestNone, Better, Warning), "wants a checksum", "delete-digest", string(objstore.CRC32C))
	case uses == objstore.DigestNone:
		b.tell(Check{Name: "delete many", Verdict: Good, Detail: "objects are removed one by one"})
	default:
		b.differs("delete many", Warning, "objects can only be removed one by one", "delete-digest", "none")
	}
}

func ifElseV(c bool, yes, no Verdict) Verdict {
	if c {
		return yes
	}
	return no
}
