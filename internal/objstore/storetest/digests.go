package storetest

import (
	"bytes"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var digestTests = []test{
	{"Put", testPutDigests},
	{"Part", testPartDigests},
	{"Whole", testWholeDigest},
	{"WholeSize", testWholeSize},
	{"Reported", testReportedDigests},
}

// algorithms are those that the store must verify.
func (b *bench) algorithms() []objstore.Algorithm {
	if b.profile.Digest == objstore.ContentMD5 {
		return []objstore.Algorithm{objstore.ContentMD5}
	}
	return []objstore.Algorithm{objstore.ContentMD5, b.profile.Digest}
}

// bodyWith carries the digest of other bytes, perhaps.
func bodyWith(a objstore.Algorithm, data, digested []byte) objstore.Body {
	return objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(a, digested)}
}

func testPutDigests(b *bench) {
	data, other := random(10, 70_000), random(11, 70_000)
	for _, a := range b.algorithms() {
		info, err := b.store.Put(b.Context(), "k", bodyWith(a, data, data), objstore.PutOptions{})
		b.must(err, "put with "+string(a))
		if got := info.Checksum; got.Algorithm == a && !got.Equal(objstore.SumOf(a, data)) {
			b.Errorf("%s: acknowledged as %x", a, got.Sum)
		}
		_, err = b.store.Put(b.Context(), "k", bodyWith(a, other, data), objstore.PutOptions{})
		b.want(err, objstore.ErrBadDigest, "put with a wrong "+string(a))
		b.holds("k", data)
		_, err = b.store.Put(b.Context(), "new", bodyWith(a, other, data), objstore.PutOptions{})
		b.want(err, objstore.ErrBadDigest, "put of a new object with a wrong "+string(a))
		b.absent("new")
	}
}

func testPartDigests(b *bench) {
	data, other := random(12, 70_000), random(13, 70_000)
	up := b.begin("k")
	a := b.profile.Digest
	good, err := b.store.UploadPart(b.Context(), up, 1, bodyWith(a, data, data))
	b.must(err, "upload part")
	if !good.Digest.Equal(objstore.SumOf(a, data)) && !good.Digest.Equal(objstore.SumOf(b.profile.AnswerDigest, data)) {
		b.Errorf("acknowledged as %s %x", good.Digest.Algorithm, good.Digest.Sum)
	}
	_, err = b.store.UploadPart(b.Context(), up, 1, bodyWith(a, other, data))
	b.want(err, objstore.ErrBadDigest, "part with a wrong "+string(a))
	b.complete(up, good)
	b.holds("k", data)
}

func testWholeDigest(b *bench) {
	if !b.profile.FullDigest {
		b.withoutWholeDigest()
		return
	}
	first, second := b.full(14), random(15, 1000)
	whole := objstore.SumOf(b.profile.Digest, first, second)
	up := b.begin("k")
	parts := []objstore.Part{b.part(up, 1, first), b.part(up, 2, second)}
	wrong := objstore.SumOf(b.profile.Digest, second, first)
	_, err := b.store.Complete(b.Context(), up, parts, objstore.CompleteOptions{Digest: wrong})
	b.want(err, objstore.ErrBadDigest, "complete with a wrong digest")
	b.absent("k")
	info, err := b.store.Complete(b.Context(), up, parts, objstore.CompleteOptions{Digest: whole, Size: int64(len(first) + len(second))})
	b.must(err, "complete with the right digest")
	if !info.Checksum.IsZero() && !info.Checksum.Equal(whole) {
		b.Errorf("complete tells %x, want %x", info.Checksum.Sum, whole.Sum)
	}
	if got := b.head("k").Checksum; !got.Equal(whole) {
		b.Errorf("head tells %s %x, want %x", got.Algorithm, got.Sum, whole.Sum)
	}
}

// withoutWholeDigest has a store ignore what it cannot check.
func (b *bench) withoutWholeDigest() {
	up := b.begin("k")
	opts := objstore.CompleteOptions{Digest: objstore.SumOf(objstore.CRC64NVME, []byte("x"))}
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{b.part(up, 1, []byte("x"))}, opts)
	b.must(err, "complete")
}

func testWholeSize(b *bench) {
	up := b.begin("k")
	p := b.part(up, 1, random(16, 1000))
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{Size: 1001})
	if !b.profile.FullDigest {
		b.must(err, "complete where the size is not checked")
		return
	}
	if err == nil {
		b.Error("a wrong size was taken")
	}
	_, err = b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{Size: 1000})
	b.must(err, "complete with the right size")
}

func testReportedDigests(b *bench) {
	kept := b.profile.Digest
	if kept == objstore.ContentMD5 {
		kept = b.profile.AnswerDigest
	}
	if kept == objstore.DigestNone {
		b.put("k", nil)
		if sum := b.head("k").Checksum; !sum.IsZero() {
			b.Errorf("a store without checksums tells %s", sum.Algorithm)
		}
		return
	}
	data := random(17, 1000)
	want := objstore.SumOf(kept, data)
	b.put("k", data)
	if got := b.head("k").Checksum; !got.Equal(want) {
		b.Errorf("head tells %s %x, want %x", got.Algorithm, got.Sum, want.Sum)
	}
	up := b.begin("m")
	b.part(up, 3, data)
	page, err := b.store.ListParts(b.Context(), up, 0)
	b.must(err, "list parts")
	if len(page.Parts) != 1 {
		b.Fatalf("list parts tells %+v", page.Parts)
	}
	got := page.Parts[0].Digest
	if undeclared := !b.profile.FullDigest && got.IsZero(); !undeclared && !got.Equal(want) {
		b.Errorf("list parts tells %+v", page.Parts)
	}
	b.must(b.store.Abort(b.Context(), up), "abort")
}
