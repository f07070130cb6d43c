package storetest

import (
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var completeTests = []test{
	{"SmallPartInTheMiddle", testSmallPart},
	{"UnknownPart", testUnknownPart},
	{"WrongETag", testWrongETag},
	{"WrongOrder", testWrongOrder},
	{"NoParts", testNoParts},
	{"Gap", testGap},
	{"UnequalParts", testUnequalParts},
	{"PartLeftOut", testPartLeftOut},
	{"Twice", testCompleteTwice},
	{"Size", testCompleteSize},
}

// refuses checks that a Complete fails as it should, and that the upload lives on.
func (b *bench) refuses(up objstore.UploadRef, kind error, what string, parts ...objstore.Part) {
	b.Helper()
	_, err := b.store.Complete(b.Context(), up, parts, objstore.CompleteOptions{})
	b.want(err, kind, what)
	b.absent(up.Key)
	_, err = b.store.ListParts(b.Context(), up, 0)
	b.must(err, "list parts of the upload that was not completed")
}

func testSmallPart(b *bench) {
	up := b.begin("k")
	small, next := b.part(up, 1, random(40, b.profile.Part.Min-1)), b.part(up, 2, []byte("x"))
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{small, next}, objstore.CompleteOptions{})
	b.want(err, objstore.ErrInvalid, "complete")
	b.absent("k")
	b.must(b.store.Abort(b.Context(), up), "abort")
}

func testUnknownPart(b *bench) {
	up := b.begin("k")
	p := b.part(up, 1, b.full(41))
	ghost := p
	ghost.Number = 2
	b.refuses(up, objstore.ErrInvalidPart, "a part that was not sent", p, ghost)
	b.complete(up, p)
}

func testWrongETag(b *bench) {
	up := b.begin("k")
	p := b.part(up, 1, []byte("x"))
	wrong := p
	wrong.ETag = "00000000000000000000000000000000"
	b.refuses(up, objstore.ErrInvalidPart, "an ETag of other bytes", wrong)
	b.complete(up, p)
}

func testWrongOrder(b *bench) {
	up := b.begin("k")
	p, q := b.part(up, 1, b.full(42)), b.part(up, 2, b.full(43))
	b.refuses(up, objstore.ErrInvalid, "parts in the wrong order", q, p)
	b.complete(up, p, q)
}

func testNoParts(b *bench) {
	up := b.begin("k")
	b.refuses(up, objstore.ErrInvalid, "no parts")
	b.must(b.store.Abort(b.Context(), up), "abort")
}

// testGap takes either answer where the profile asks for none: who follows a
// profile made for many stores only promises not to rely on gaps.
func testGap(b *bench) {
	up := b.begin("k")
	p, q := b.part(up, 2, b.full(44)), b.part(up, 9, []byte("tail"))
	if b.profile.Part.Consecutive {
		if _, err := b.store.Complete(b.Context(), up, []objstore.Part{p, q}, objstore.CompleteOptions{}); err != nil {
			b.want(err, objstore.ErrInvalidPart, "a gap")
			b.must(b.store.Abort(b.Context(), up), "abort")
		}
		return
	}
	b.complete(up, p, q)
	b.holds("k", append(b.full(44), "tail"...))
}

func testUnequalParts(b *bench) {
	if b.profile.Part.Equal {
		up := b.begin("k")
		p := b.part(up, 1, b.full(45))
		b.complete(up, p, b.part(up, 2, b.full(46)))
		return
	}
	up := b.begin("k")
	large := random(47, b.profile.Part.Min+12345)
	p, q, r := b.part(up, 1, b.full(45)), b.part(up, 2, large), b.part(up, 3, b.full(46))
	b.complete(up, p, q, r)
	b.holds("k", slices.Concat(b.full(45), large, b.full(46)))
}

func testPartLeftOut(b *bench) {
	up := b.begin("k")
	p := b.part(up, 1, b.full(48))
	b.part(up, 2, []byte("not listed"))
	if b.profile.CompleteListsAll {
		b.refuses(up, objstore.ErrInvalidPart, "a part left out", p)
		return
	}
	b.complete(up, p)
	b.holds("k", b.full(48))
}

// testCompleteTwice takes either answer: S3 says that there is no such upload, or
// that it is done already.
func testCompleteTwice(b *bench) {
	up := b.begin("k")
	p := b.part(up, 1, []byte("x"))
	first := b.complete(up, p)
	info, err := b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{})
	if err != nil {
		b.want(err, objstore.ErrNoSuchUpload, "complete again")
	} else if info.ETag != first.ETag {
		b.Errorf("complete again gives %s, was %s", info.ETag, first.ETag)
	}
	b.holds("k", []byte("x"))
}

func testCompleteSize(b *bench) {
	up := b.begin("k")
	info := b.complete(up, b.part(up, 1, b.full(49)), b.part(up, 2, random(50, 777)))
	if want := b.profile.Part.Min + 777; info.Size != want || info.Key != "k" {
		b.Errorf("complete tells %+v, want size %d", info, want)
	}
}
