package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var multipartTests = []test{
	{"InvisibleUntilComplete", testInvisible},
	{"OutOfOrder", testOutOfOrder},
	{"PartSentAgain", testPartSentAgain},
	{"OneShortPart", testOneShortPart},
	{"Abort", testAbort},
	{"PartNumbers", testPartNumbers},
	{"NoSuchUpload", testNoSuchUpload},
	{"TwoUploadsOfOneKey", testTwoUploads},
	{"ListParts", testListParts},
	{"ManyParts", testManyParts},
}

func testInvisible(b *bench) {
	b.put("k", []byte("old"))
	up, fresh := b.begin("k"), b.begin("new")
	p, q := b.part(up, 1, []byte("part")), b.part(fresh, 1, []byte("part"))
	b.holds("k", []byte("old"))
	b.absent("new")
	if keys, _ := b.list(objstore.ListOptions{}); !slices.Equal(keys, []string{"k"}) {
		b.Errorf("listed %q", keys)
	}
	info := b.complete(up, p)
	b.complete(fresh, q)
	b.holds("k", []byte("part"))
	b.holds("new", []byte("part"))
	if head := b.head("k"); head.ETag != info.ETag || head.Size != 4 {
		b.Errorf("head tells %+v, complete told %+v", head, info)
	}
}

func testOutOfOrder(b *bench) {
	data := [][]byte{b.full(30), b.full(31), random(32, 12345)}
	up := b.begin("k")
	parts := make([]objstore.Part, len(data))
	var wg sync.WaitGroup
	for i := range data {
		wg.Go(func() {
			p, err := b.store.UploadPart(b.Context(), up, int32(i+1), b.body(data[i]))
			if err != nil {
				b.Error(err)
			}
			parts[i] = p
		})
	}
	wg.Wait()
	up2 := b.begin("k2")
	last := b.part(up2, 2, data[2])
	first := b.part(up2, 1, data[0])
	info := b.complete(up, parts...)
	b.complete(up2, first, last)
	b.holds("k", bytes.Join(data, nil))
	b.holds("k2", bytes.Join([][]byte{data[0], data[2]}, nil))
	if b.profile.FinalETag == objstore.ETagMD5OfMD5 {
		var sums []byte
		for _, d := range data {
			sums = append(sums, objstore.SumOf(objstore.ContentMD5, d).Sum...)
		}
		if want := fmt.Sprintf("%x-3", objstore.SumOf(objstore.ContentMD5, sums).Sum); info.ETag != want {
			b.Errorf("ETag %s, want %s", info.ETag, want)
		}
	}
}

// testPartSentAgain asks for the part that was sent last, and then for the one before:
// a store may have forgotten that, or still have it (SeaweedFS).
func testPartSentAgain(b *bench) {
	old, data, tail := b.full(33), b.full(34), []byte("tail")
	send := func() (up objstore.UploadRef, first objstore.Part, parts []objstore.Part) {
		up = b.begin("k")
		first = b.part(up, 1, old)
		parts = []objstore.Part{b.part(up, 1, data), b.part(up, 2, tail)}
		if first.ETag == parts[0].ETag {
			b.Error("the ETag did not change")
		}
		return up, first, parts
	}
	up, _, parts := send()
	b.complete(up, parts...)
	b.holds("k", append(slices.Clone(data), tail...))

	up, first, parts := send()
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{first, parts[1]}, objstore.CompleteOptions{})
	if err == nil {
		b.holds("k", append(slices.Clone(old), tail...))
		return
	}
	b.want(err, objstore.ErrInvalidPart, "complete with the part that was replaced")
	b.complete(up, parts...)
	b.holds("k", append(slices.Clone(data), tail...))
}

func testOneShortPart(b *bench) {
	for _, n := range []int64{1, 100} {
		up := b.begin("k")
		data := random(35, n)
		b.complete(up, b.part(up, 1, data))
		b.holds("k", data)
	}
}

func testAbort(b *bench) {
	b.put("k", []byte("old"))
	up := b.begin("k")
	p := b.part(up, 1, []byte("part"))
	b.must(b.store.Abort(b.Context(), up), "abort")
	b.must(b.store.Abort(b.Context(), up), "abort again")
	b.holds("k", []byte("old"))
	_, err := b.store.UploadPart(b.Context(), up, 2, b.body([]byte("late")))
	b.want(err, objstore.ErrNoSuchUpload, "part after the end")
	_, err = b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{})
	b.want(err, objstore.ErrNoSuchUpload, "complete after the end")
	_, err = b.store.ListParts(b.Context(), up, 0)
	b.want(err, objstore.ErrNoSuchUpload, "list after the end")
	b.holds("k", []byte("old"))
}

func testPartNumbers(b *bench) {
	up := b.begin("k")
	for _, n := range []int32{0, -1, b.profile.Part.MaxCount + 1} {
		_, err := b.store.UploadPart(b.Context(), up, n, b.body([]byte("x")))
		b.want(err, objstore.ErrInvalid, fmt.Sprintf("part %d", n))
	}
	b.part(up, b.profile.Part.MaxCount, []byte("x"))
	b.must(b.store.Abort(b.Context(), up), "abort")
}

func testNoSuchUpload(b *bench) {
	up := b.begin("k")
	b.must(b.store.Abort(b.Context(), up), "abort")
	p := objstore.Part{Number: 1, ETag: "9dd4e461268c8034f5c8564e155c67a6", Size: 1}
	_, err := b.store.UploadPart(b.Context(), up, 1, b.body([]byte("x")))
	b.want(err, objstore.ErrNoSuchUpload, "part")
	_, err = b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{})
	b.want(err, objstore.ErrNoSuchUpload, "complete")
}

func testTwoUploads(b *bench) {
	one, two := b.begin("k"), b.begin("k")
	if one.ID == two.ID {
		b.Fatal("two uploads have one id")
	}
	p, q := b.part(one, 1, []byte("one")), b.part(two, 1, []byte("two"))
	b.complete(two, q)
	b.holds("k", []byte("two"))
	b.complete(one, p)
	b.holds("k", []byte("one"))
}

func testListParts(b *bench) {
	up := b.begin("k")
	page, err := b.store.ListParts(b.Context(), up, 0)
	b.must(err, "list parts")
	if len(page.Parts) != 0 || page.Next != 0 {
		b.Errorf("a new upload has the parts %+v", page)
	}
	sent := map[int32]objstore.Part{}
	for _, n := range []int32{7, 2, 10} {
		sent[n] = b.part(up, n, random(uint64(n), int64(n)*100))
	}
	page, err = b.store.ListParts(b.Context(), up, 0)
	b.must(err, "list parts")
	if len(page.Parts) != 3 || page.Next != 0 {
		b.Fatalf("listed %+v", page)
	}
	for i, n := range []int32{2, 7, 10} {
		if p := page.Parts[i]; p.Number != n || p.Size != sent[n].Size || p.ETag != sent[n].ETag {
			b.Errorf("part %d is listed as %+v, was sent as %+v", n, p, sent[n])
		}
	}
	page, err = b.store.ListParts(b.Context(), up, 2)
	b.must(err, "list parts after 2")
	if len(page.Parts) != 2 || page.Parts[0].Number != 7 {
		b.Errorf("after part 2: %+v", page)
	}
	b.must(b.store.Abort(b.Context(), up), "abort")
}

func testManyParts(b *bench) {
	const count = objstore.MaxPage + 5
	if b.profile.Part.MaxCount < count {
		b.Logf("the profile takes only %d parts", b.profile.Part.MaxCount)
		return
	}
	up := b.begin("k")
	numbers := make(chan int32)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range numbers {
				if _, err := b.store.UploadPart(b.Context(), up, n, b.body([]byte{byte(n)})); err != nil {
					b.Errorf("part %d: %v", n, err)
				}
			}
		})
	}
	for n := range int32(count) {
		numbers <- n + 1
	}
	close(numbers)
	wg.Wait()
	var got []int32
	for after := int32(0); ; {
		page, err := b.store.ListParts(b.Context(), up, after)
		b.must(err, "list parts")
		for _, p := range page.Parts {
			got = append(got, p.Number)
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if len(got) != count || !slices.IsSorted(got) || got[0] != 1 || got[count-1] != count {
		b.Errorf("%d parts are listed", len(got))
	}
	b.must(b.store.Abort(b.Context(), up), "abort")
}
