package storetest

import (
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var copyTests = []test{
	{"KeepsProperties", testCopyKeeps},
	{"ReplacesProperties", testCopyReplaces},
	{"OntoItself", testCopyOntoItself},
	{"IfMatch", testCopyIfMatch},
	{"NotThere", testCopyNotThere},
	{"OfMultipart", testCopyOfMultipart},
	{"RangeRefused", testCopyRange},
}

var partCopyTests = []test{
	{"Range", testPartCopyRange},
	{"Whole", testPartCopyWhole},
	{"IfMatch", testPartCopyIfMatch},
	{"NotThere", testPartCopyNotThere},
	{"RangeOutside", testPartCopyOutside},
	{"Mixed", testPartCopyMixed},
}

func (b *bench) copy(dst, src string, opts objstore.CopyOptions) objstore.Info {
	b.Helper()
	info, err := b.store.Copy(b.Context(), dst, objstore.CopySource{Key: src}, opts)
	b.must(err, "copy")
	return info
}

func testCopyKeeps(b *bench) {
	data := random(60, 50_000)
	b.putWith("src", data, objstore.PutOptions{ObjectOptions: b.properties()})
	info := b.copy("dst", "src", objstore.CopyOptions{})
	b.holds("dst", data)
	b.holds("src", data)
	b.hasProperties("dst", b.properties())
	if head := b.head("dst"); info.Key != "dst" || head.ETag != info.ETag || head.Size != int64(len(data)) {
		b.Errorf("copy tells %+v, head %+v", info, head)
	}
}

func testCopyReplaces(b *bench) {
	b.putWith("src", []byte("x"), objstore.PutOptions{ObjectOptions: b.properties()})
	other := objstore.ObjectOptions{ContentType: "image/png", Metadata: map[string]string{"only": "this"}}
	b.copy("dst", "src", objstore.CopyOptions{Replace: true, ObjectOptions: other})
	b.hasProperties("dst", other)
	b.hasProperties("src", b.properties())
}

func testCopyOntoItself(b *bench) {
	data := random(61, 1000)
	b.putWith("k", data, objstore.PutOptions{ObjectOptions: b.properties()})
	_, err := b.store.Copy(b.Context(), "k", objstore.CopySource{Key: "k"}, objstore.CopyOptions{})
	b.want(err, objstore.ErrInvalid, "a copy onto itself that changes nothing")
	b.hasProperties("k", b.properties())
	other := b.properties()
	other.Metadata = map[string]string{"mtime": "1"}
	b.copy("k", "k", objstore.CopyOptions{Replace: true, ObjectOptions: other})
	b.hasProperties("k", other)
	b.holds("k", data)
}

func testCopyIfMatch(b *bench) {
	old := b.put("src", []byte("old"))
	src := objstore.CopySource{Key: "src", IfMatch: old.ETag}
	_, err := b.store.Copy(b.Context(), "dst", src, objstore.CopyOptions{})
	b.must(err, "copy")
	b.put("src", []byte("new"))
	_, err = b.store.Copy(b.Context(), "dst", src, objstore.CopyOptions{})
	b.want(err, objstore.ErrPrecondition, "copy of another version")
	b.holds("dst", []byte("old"))
}

func testCopyNotThere(b *bench) {
	_, err := b.store.Copy(b.Context(), "dst", objstore.CopySource{Key: "nope"}, objstore.CopyOptions{})
	b.want(err, objstore.ErrNotFound, "copy")
	b.absent("dst")
}

func testCopyOfMultipart(b *bench) {
	up := b.beginWith("src", b.properties())
	b.complete(up, b.part(up, 1, b.full(62)), b.part(up, 2, []byte("tail")))
	b.copy("dst", "src", objstore.CopyOptions{})
	b.holds("dst", append(b.full(62), "tail"...))
	b.hasProperties("dst", b.properties())
}

func testCopyRange(b *bench) {
	b.put("src", random(63, 100))
	_, err := b.store.Copy(b.Context(), "dst", objstore.CopySource{Key: "src", Offset: 1, Length: 2}, objstore.CopyOptions{})
	b.want(err, objstore.ErrInvalid, "copy of a range")
	b.absent("dst")
}

// copyPart copies a part, or shows that the store refuses to, which ends the test.
func (b *bench) copyPart(up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, bool) {
	b.Helper()
	p, err := b.store.UploadPartCopy(b.Context(), up, number, src)
	if !b.profile.PartCopy {
		b.want(err, objstore.ErrUnsupported, "copy part")
		b.must(b.store.Abort(b.Context(), up), "abort")
		return p, false
	}
	b.must(err, "copy part")
	if p.Number != number || p.ETag == "" || p.Size != src.Length {
		b.Errorf("part %d of %+v is acknowledged as %+v", number, src, p)
	}
	return p, true
}

// sourceSize is large enough to take ranges of.
func (b *bench) sourceSize() int64 { return 3*b.profile.Part.Min - 1000 }

func testPartCopyRange(b *bench) {
	data := random(64, b.sourceSize())
	b.put("src", data)
	up := b.begin("dst")
	n := b.profile.Part.Min
	p, ok := b.copyPart(up, 1, objstore.CopySource{Key: "src", Offset: 17, Length: n})
	if !ok {
		return
	}
	q, _ := b.copyPart(up, 2, objstore.CopySource{Key: "src", Offset: 2 * n, Length: b.sourceSize() - 2*n})
	b.complete(up, p, q)
	b.holds("dst", slices.Concat(data[17:17+n], data[2*n:]))
}

func testPartCopyWhole(b *bench) {
	b.put("src", []byte("small"))
	up := b.begin("dst")
	p, ok := b.copyPart(up, 1, objstore.CopySource{Key: "src"})
	if !ok {
		return
	}
	b.complete(up, p)
	b.holds("dst", []byte("small"))
	if head := b.head("dst"); head.Size != 5 {
		b.Errorf("size %d", head.Size)
	}
}

func testPartCopyIfMatch(b *bench) {
	old := b.put("src", random(65, b.sourceSize()))
	up := b.begin("dst")
	src := objstore.CopySource{Key: "src", Length: b.profile.Part.Min, IfMatch: old.ETag}
	if _, ok := b.copyPart(up, 1, src); !ok {
		return
	}
	b.put("src", random(66, b.sourceSize()))
	_, err := b.store.UploadPartCopy(b.Context(), up, 2, src)
	b.want(err, objstore.ErrPrecondition, "copy of a part of another version")
	b.must(b.store.Abort(b.Context(), up), "abort")
}

func testPartCopyNotThere(b *bench) {
	up := b.begin("dst")
	_, err := b.store.UploadPartCopy(b.Context(), up, 1, objstore.CopySource{Key: "nope"})
	kind := objstore.ErrNotFound
	if !b.profile.PartCopy {
		kind = objstore.ErrUnsupported
	}
	b.want(err, kind, "copy of a part of nothing")
	b.must(b.store.Abort(b.Context(), up), "abort")
	b.put("src", []byte("x"))
	_, err = b.store.UploadPartCopy(b.Context(), up, 1, objstore.CopySource{Key: "src"})
	if b.profile.PartCopy {
		kind = objstore.ErrNoSuchUpload
	}
	b.want(err, kind, "copy of a part after the end")
}

func testPartCopyOutside(b *bench) {
	b.put("src", random(67, b.sourceSize()))
	up := b.begin("dst")
	src := objstore.CopySource{Key: "src", Offset: b.sourceSize() - 10, Length: 11}
	if _, err := b.store.UploadPartCopy(b.Context(), up, 1, src); err == nil {
		b.Error("a range past the end was copied")
	}
	b.must(b.store.Abort(b.Context(), up), "abort")
}

// testPartCopyMixed patches an object the way the uploader does: a copied head,
// a part that is sent, a copied tail.
func testPartCopyMixed(b *bench) {
	data := random(68, b.sourceSize())
	old := b.put("k", data)
	n := b.profile.Part.Min
	up := b.begin("k")
	head, ok := b.copyPart(up, 1, objstore.CopySource{Key: "k", Length: n, IfMatch: old.ETag})
	if !ok {
		return
	}
	patch := b.full(69)
	middle := b.part(up, 2, patch)
	tail, _ := b.copyPart(up, 3, objstore.CopySource{Key: "k", Offset: 2 * n, Length: b.sourceSize() - 2*n, IfMatch: old.ETag})
	want := slices.Concat(data[:n], patch, data[2*n:])
	opts := objstore.CompleteOptions{Size: int64(len(want)), Digest: objstore.SumOf(b.profile.Digest, want)}
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{head, middle, tail}, opts)
	b.must(err, "complete")
	b.holds("k", want)
}
