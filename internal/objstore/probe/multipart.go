package probe

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// tail is the last part of the objects made here: shorter than any other may be.
const tail = 1000 // bytes

// begin starts an upload.
func (b *bench) begin(name string) (objstore.UploadRef, error) {
	up := objstore.UploadRef{Key: b.key(name)}
	err := b.again(func() (err error) {
		up.ID, err = b.target.CreateMultipart(b.ctx, up.Key, objstore.ObjectOptions{})
		return err
	})
	if err == nil {
		b.begun = append(b.begun, up)
	}
	return up, err
}

// complete finishes an upload, which then need not be ended.
func (b *bench) complete(t Target, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	info, err := t.Complete(b.ctx, up, parts, opts)
	if err == nil {
		b.begun = slices.DeleteFunc(b.begun, func(u objstore.UploadRef) bool { return u.ID == up.ID })
	}
	return info, err
}

// part sends a part as the mount would.
func (b *bench) part(up objstore.UploadRef, number int32, data []byte) (p objstore.Part, err error) {
	err = b.again(func() error {
		p, err = b.target.UploadPart(b.ctx, up, number, body(data, b.profile.Digest, data))
		return err
	})
	return p, err
}

// multipart makes an object of two parts, and sends one that is damaged on its way.
func (b *bench) multipart() bool {
	fails := func(err error) bool {
		b.tell(Check{Name: "multipart", Verdict: Unsafe, Detail: err.Error(), Permission: denied(err, "s3:PutObject")})
		return false
	}
	size := b.profile.Part.Min
	b.content = make([]byte, 2*size+tail)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b.content)
	up, err := b.begin("parts")
	if err != nil {
		return fails(err)
	}
	damaged := append([]byte{b.content[0] ^ 1}, b.content[1:size]...)
	if _, err := b.target.UploadPart(b.ctx, up, 1, body(damaged, b.profile.Digest, b.content[:size])); err == nil {
		b.tell(Check{Name: "damaged part", Verdict: Unsafe, Detail: "a part that does not match its digest is taken"})
	} else {
		b.tell(Check{Name: "damaged part", Verdict: Good})
	}
	var parts []objstore.Part
	for i, data := range [][]byte{b.content[:size], b.content[size : 2*size], b.content[2*size:]} {
		p, err := b.part(up, int32(i+1), data)
		if err != nil {
			return fails(err)
		}
		parts = append(parts, p)
	}
	b.listParts(up, parts)
	info, err := b.complete(b.target, up, parts, objstore.CompleteOptions{Size: int64(len(b.content))})
	if err != nil {
		return fails(err)
	}
	if same, err := b.holds(up.Key, b.content); err != nil || !same {
		return fails(fmt.Errorf("the object is not what its parts were: %v", err))
	}
	b.source = info
	b.source.Key = up.Key
	b.tell(Check{Name: "multipart", Verdict: Good})
	b.etags(parts, info)
	return true
}

func (b *bench) listParts(up objstore.UploadRef, parts []objstore.Part) {
	page, err := b.target.ListParts(b.ctx, up, 0)
	switch {
	case err != nil:
		b.tell(Check{Name: "list parts", Verdict: Warning, Detail: err.Error(), Permission: denied(err, "s3:ListMultipartUploadParts")})
	case len(page.Parts) != len(parts):
		b.tell(Check{Name: "list parts", Verdict: Warning, Detail: fmt.Sprintf("%d parts are listed of %d", len(page.Parts), len(parts))})
	default:
		b.tell(Check{Name: "list parts", Verdict: Good})
	}
}

// etags asks what ETags are made of. Where they follow from the bytes, they prove
// without a further request that all is there.
func (b *bench) etags(parts []objstore.Part, info objstore.Info) {
	size := b.profile.Part.Min
	sum := md5.Sum(b.content[:size])
	part, final := objstore.ETagOpaque, objstore.ETagOpaque
	if strings.EqualFold(parts[0].ETag, hex.EncodeToString(sum[:])) {
		part = objstore.ETagMD5
	}
	h := md5.New()
	for _, data := range [][]byte{b.content[:size], b.content[size : 2*size], b.content[2*size:]} {
		sum := md5.Sum(data)
		h.Write(sum[:])
	}
	if strings.EqualFold(info.ETag, fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))) {
		final = objstore.ETagMD5OfMD5
	}
	for _, c := range []struct {
		name, option string
		uses, found  objstore.ETagKind
	}{{"part ETags", "part-etag", b.profile.PartETag, part}, {"final ETags", "final-etag", b.profile.FinalETag, final}} {
		detail := string(c.found)
		switch {
		case c.uses == c.found:
			b.tell(Check{Name: c.name, Verdict: Good, Detail: detail})
		case c.uses == objstore.ETagOpaque:
			b.differs(c.name, Better, detail, c.option, detail)
		default: // right bytes would be taken for wrong ones
			b.differs(c.name, Warning, detail+", unlike the profile says: perhaps the bucket encrypts with a key of its own", c.option, detail)
		}
	}
}

// shapes makes objects of parts as no other store need take them.
func (b *bench) shapes() {
	copies := b.partCopy()
	size := b.profile.Part.Min
	fill := func(up objstore.UploadRef, number int32, n int64) (objstore.Part, error) {
		if copies {
			return b.target.UploadPartCopy(b.ctx, up, number, objstore.CopySource{Key: b.source.Key, Length: n})
		}
		return b.part(up, number, b.content[:n])
	}
	shape := func(name string, sizes map[int32]int64, list []int32) bool {
		up, err := b.begin(name)
		if err != nil {
			return false
		}
		parts := map[int32]objstore.Part{}
		for number, n := range sizes {
			p, err := objstore.Part{}, error(nil)
			if n == tail {
				p, err = b.part(up, number, b.content[:tail])
			} else {
				p, err = fill(up, number, n)
			}
			if err != nil {
				return false
			}
			p.Size = n
			parts[number] = p
		}
		var chosen []objstore.Part
		for _, number := range list {
			chosen = append(chosen, parts[number])
		}
		_, err = b.complete(b.target, up, chosen, objstore.CompleteOptions{})
		return err == nil
	}
	uneven := shape("uneven", map[int32]int64{1: size, 2: size + size/2, 3: tail}, []int32{1, 2, 3})
	b.tellShape("uneven parts", "part-equal", "parts must be of one size", "parts may be of any size", b.profile.Part.Equal, !uneven)
	gap := shape("gap", map[int32]int64{1: size, 3: tail}, []int32{1, 3})
	b.tellShape("gaps", "part-consecutive", "numbers must have no gaps", "numbers may have gaps", b.profile.Part.Consecutive, !gap)
	unlisted := shape("unlisted", map[int32]int64{1: size, 2: tail}, []int32{1})
	b.tellShape("unlisted parts", "complete-lists-all", "every part that was sent must be named at the end", "parts may be left out at the end",
		b.profile.CompleteListsAll, !unlisted)
	b.exclusiveComplete()
}

// tellShape tells of a rule that a store has or has not.
func (b *bench) tellShape(name, option, yes, no string, uses, found bool) {
	switch {
	case uses == found:
		b.tell(Check{Name: name, Verdict: Good, Detail: ifElse(found, yes, no)})
	case found:
		b.differs(name, Unsafe, yes+": large files would fail at close", option, "on")
	default:
		b.differs(name, Better, no, option, "off")
	}
}

// partCopy asks for copies of ranges at the server, by which large files are changed
// without sending them again.
func (b *bench) partCopy() bool {
	t, err := b.as(func(p *objstore.Profile) { p.PartCopy = true })
	works := false
	if err == nil {
		works, err = b.copiesRange(t)
	}
	switch {
	case works == b.profile.PartCopy:
		b.tell(Check{Name: "part copy", Verdict: Good, Detail: ifElse(works, "", "the server does not copy parts")})
	case works:
		b.differs("part copy", Better, "the server copies parts", "part-copy", "on")
	default:
		b.differs("part copy", Unsafe, fmt.Sprintf("the server does not copy parts: changes of large files would fail (%v)", err), "part-copy", "off")
	}
	return works && b.profile.PartCopy
}

func (b *bench) copiesRange(t Target) (bool, error) {
	size := b.profile.Part.Min
	up, err := b.begin("part-copy")
	if err != nil {
		return false, err
	}
	src := objstore.CopySource{Key: b.source.Key, Offset: 7, Length: size, IfMatch: b.source.ETag}
	p, err := t.UploadPartCopy(b.ctx, up, 1, src)
	if err != nil {
		return false, err
	}
	if _, err := b.complete(t, up, []objstore.Part{p}, objstore.CompleteOptions{}); err != nil {
		return false, err
	}
	return b.holds(up.Key, b.content[7:7+size])
}

// exclusiveComplete completes an upload onto a name that is taken, in each way of
// forbidding it.
func (b *bench) exclusiveComplete() {
	found := map[objstore.Guard]manner{}
	old := []byte("old")
	for _, g := range b.guardsToTry() {
		t, err := b.as(func(p *objstore.Profile) { p.NoClobberDone = g })
		if err != nil {
			continue
		}
		found[g] = refuses
		up, err := b.begin("complete-" + string(g))
		if err != nil {
			continue
		}
		p, err := b.part(up, 1, b.content[:tail])
		if err != nil {
			continue
		}
		if _, err := b.put(b.target, up.Key, old, objstore.PutOptions{}); err != nil {
			continue
		}
		_, err = b.complete(t, up, []objstore.Part{p}, objstore.CompleteOptions{Condition: objstore.Condition{Absent: true}})
		same, herr := b.holds(up.Key, old)
		switch {
		case err == nil || herr == nil && !same:
			found[g] = ignores
		case errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrConflict):
			found[g] = b.passesWhenFree(t, g)
		}
	}
	b.tellGuard("exclusive complete", "no-clobber-complete", b.profile.NoClobberDone, found)
}

// passesWhenFree makes sure that a guard that refuses is one that also lets through.
func (b *bench) passesWhenFree(t Target, g objstore.Guard) manner {
	up, err := b.begin("free-" + string(g))
	if err != nil {
		return refuses
	}
	p, err := b.part(up, 1, b.content[:tail])
	if err != nil {
		return refuses
	}
	if _, err := b.complete(t, up, []objstore.Part{p}, objstore.CompleteOptions{Condition: objstore.Condition{Absent: true}}); err != nil {
		return refuses
	}
	return keeps
}
