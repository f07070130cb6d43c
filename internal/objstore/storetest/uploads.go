package storetest

import (
	"fmt"
	"slices"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var uploadTests = []test{
	{"OfKey", testUploadsOfKey},
	{"Pages", testUploadPages},
	{"Ended", testUploadsEnded},
}

// uploads returns the ids that a listing shows, over all its pages.
func (b *bench) uploads(opts objstore.ListUploadsOptions) (ids []string) {
	b.Helper()
	for {
		page, err := b.store.ListUploads(b.Context(), opts)
		b.must(err, "list uploads")
		for _, u := range page.Uploads {
			ids = append(ids, u.ID)
		}
		if page.NextKeyMarker == "" {
			return ids
		}
		opts.KeyMarker, opts.UploadIDMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

// listsUploads tells whether uploads can be listed, and checks the refusal if not.
func (b *bench) listsUploads() bool {
	b.Helper()
	proven := b.profile.ListUploads == objstore.ListUploadsFull || b.profile.ListUploads == objstore.ListUploadsExactKey
	if proven {
		return true
	}
	_, err := b.store.ListUploads(b.Context(), objstore.ListUploadsOptions{})
	if err == nil && b.profile.ListUploads == objstore.ListUploadsUnproven {
		return true
	}
	b.want(err, objstore.ErrUnsupported, "list uploads")
	return false
}

func testUploadsOfKey(b *bench) {
	if !b.listsUploads() {
		return
	}
	if ids := b.uploads(objstore.ListUploadsOptions{Prefix: "dir/k"}); len(ids) != 0 {
		b.Errorf("an empty bucket has the uploads %q", ids)
	}
	up := b.begin("dir/k")
	b.part(up, 1, []byte("x"))
	other := b.begin("other")
	page, err := b.store.ListUploads(b.Context(), objstore.ListUploadsOptions{Prefix: "dir/k"})
	b.must(err, "list uploads")
	if len(page.Uploads) != 1 || page.Uploads[0].Key != "dir/k" || page.Uploads[0].ID != up.ID || page.Uploads[0].Initiated.IsZero() {
		b.Errorf("listed %+v, begun %+v", page, up)
	}
	if b.profile.ListUploads == objstore.ListUploadsFull {
		ids := b.uploads(objstore.ListUploadsOptions{})
		if len(ids) != 2 || !slices.Contains(ids, up.ID) || !slices.Contains(ids, other.ID) {
			b.Errorf("without a prefix: %q", ids)
		}
	}
	b.must(b.store.Abort(b.Context(), up), "abort")
	b.must(b.store.Abort(b.Context(), other), "abort")
}

func testUploadPages(b *bench) {
	if !b.listsUploads() {
		return
	}
	if b.profile.ListUploads != objstore.ListUploadsFull {
		b.Log("the profile promises no more than the uploads of one key")
		return
	}
	want := map[string]bool{}
	for i := range 7 {
		want[b.begin(fmt.Sprintf("k%d", i/3)).ID] = true // several uploads of one key
	}
	for _, limit := range []int{1, 2, 3, 7, 8} {
		seen := map[string]bool{}
		for _, id := range b.uploads(objstore.ListUploadsOptions{Max: limit}) {
			if seen[id] || !want[id] {
				b.Errorf("pages of %d: upload %s is shown twice, or is not there", limit, id)
			}
			seen[id] = true
		}
		if len(seen) != len(want) {
			b.Errorf("pages of %d show %d of %d uploads", limit, len(seen), len(want))
		}
	}
}

func testUploadsEnded(b *bench) {
	if !b.listsUploads() {
		return
	}
	done, aborted := b.begin("k"), b.begin("k")
	b.complete(done, b.part(done, 1, []byte("x")))
	b.must(b.store.Abort(b.Context(), aborted), "abort")
	if ids := b.uploads(objstore.ListUploadsOptions{Prefix: "k"}); len(ids) != 0 {
		b.Errorf("uploads that ended are listed: %q", ids)
	}
}
