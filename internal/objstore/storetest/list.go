package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var listTests = []test{
	{"Empty", testListEmpty},
	{"Entries", testListEntries},
	{"Delimiter", testListDelimiter},
	{"StartAfter", testListStartAfter},
	{"Pages", testListPages},
	{"MoreThanAPage", testListMoreThanAPage},
}

func testListEmpty(b *bench) {
	page, err := b.store.List(b.Context(), objstore.ListOptions{})
	b.must(err, "list")
	if len(page.Objects)+len(page.Prefixes) != 0 || page.Token != "" {
		b.Errorf("an empty bucket lists %+v", page)
	}
	page, err = b.store.List(b.Context(), objstore.ListOptions{Prefix: "no/such/", Delimiter: "/"})
	b.must(err, "list")
	if len(page.Objects)+len(page.Prefixes) != 0 || page.Token != "" {
		b.Errorf("an empty prefix lists %+v", page)
	}
}

func testListEntries(b *bench) {
	put := b.put("dir/file", random(20, 1234))
	page, err := b.store.List(b.Context(), objstore.ListOptions{Prefix: "dir/", Delimiter: "/"})
	b.must(err, "list")
	if len(page.Objects) != 1 {
		b.Fatalf("listed %+v", page)
	}
	got := page.Objects[0]
	if got.Key != "dir/file" || got.Size != 1234 || got.ETag != put.ETag || got.Full || got.ModTime.IsZero() {
		b.Errorf("listed as %+v, was put as %+v", got, put)
	}
}

// tree puts empty objects, in no order.
func (b *bench) tree(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.put(key, nil)
	}
}

func (b *bench) lists(opts objstore.ListOptions, keys, prefixes string) {
	b.Helper()
	k, p := b.list(opts)
	if got := strings.Join(k, " "); got != keys {
		b.Errorf("%+v: keys %q, want %q", opts, got, keys)
	}
	if got := strings.Join(p, " "); got != prefixes {
		b.Errorf("%+v: prefixes %q, want %q", opts, got, prefixes)
	}
}

func testListDelimiter(b *bench) {
	b.tree("b/2/x", "a", "b/1", "c/", "b/2/y", "d", "b-", "b.txt", "c/d/e")
	b.lists(objstore.ListOptions{Delimiter: "/"}, "a b- b.txt d", "b/ c/")
	b.lists(objstore.ListOptions{Delimiter: "/", Prefix: "b/"}, "b/1", "b/2/")
	b.lists(objstore.ListOptions{Delimiter: "/", Prefix: "b"}, "b- b.txt", "b/")
	b.lists(objstore.ListOptions{Delimiter: "/", Prefix: "c/"}, "c/", "c/d/")
	b.lists(objstore.ListOptions{Prefix: "b/"}, "b/1 b/2/x b/2/y", "")
	b.lists(objstore.ListOptions{}, "a b- b.txt b/1 b/2/x b/2/y c/ c/d/e d", "")
}

func testListStartAfter(b *bench) {
	b.tree("a", "b/1", "b/2", "c", "d/1", "e")
	b.lists(objstore.ListOptions{StartAfter: "b/1"}, "b/2 c d/1 e", "")
	b.lists(objstore.ListOptions{StartAfter: "b/15"}, "b/2 c d/1 e", "")
	b.lists(objstore.ListOptions{StartAfter: "e"}, "", "")
	b.lists(objstore.ListOptions{StartAfter: "a", Delimiter: "/"}, "c e", "b/ d/")
	b.lists(objstore.ListOptions{StartAfter: "b/", Delimiter: "/"}, "c e", "d/")
	b.lists(objstore.ListOptions{StartAfter: "c", Delimiter: "/"}, "e", "d/")
	b.lists(objstore.ListOptions{StartAfter: "b/1", Prefix: "b/", Delimiter: "/"}, "b/2", "")
}

func testListPages(b *bench) {
	b.tree("a", "b/1", "b/2", "b/3", "c", "d/1", "d/2", "e", "f/1")
	for limit := 1; limit <= 7; limit++ {
		b.lists(objstore.ListOptions{Max: limit}, "a b/1 b/2 b/3 c d/1 d/2 e f/1", "")
		b.lists(objstore.ListOptions{Max: limit, Delimiter: "/"}, "a c e", "b/ d/ f/")
		b.lists(objstore.ListOptions{Max: limit, Delimiter: "/", StartAfter: "a"}, "c e", "b/ d/ f/")
		page, err := b.store.List(b.Context(), objstore.ListOptions{Max: limit, Delimiter: "/"})
		b.must(err, "list")
		if n := len(page.Objects) + len(page.Prefixes); n > limit || n == 0 {
			b.Errorf("a page of %d has %d entries", limit, n)
		}
	}
	page, err := b.store.List(b.Context(), objstore.ListOptions{Max: 6, Delimiter: "/"})
	b.must(err, "list")
	if page.Token != "" {
		b.Error("the last page, which is just full, says that there is another")
	}
}

func testListMoreThanAPage(b *bench) {
	const files, dirs = 1005, 30
	var wg sync.WaitGroup
	var want []string
	names := make(chan string)
	for range 8 {
		wg.Go(func() {
			for key := range names {
				if _, err := b.store.Put(b.Context(), key, b.body(nil), objstore.PutOptions{}); err != nil {
					b.Errorf("put %s: %v", key, err)
				}
			}
		})
	}
	for i := range files {
		key := fmt.Sprintf("d%02d/file %04d", i%dirs, i)
		want = append(want, key)
		names <- key
	}
	close(names)
	wg.Wait()
	slices.Sort(want)
	page, err := b.store.List(b.Context(), objstore.ListOptions{})
	b.must(err, "list")
	if len(page.Objects) > objstore.MaxPage || page.Token == "" {
		b.Errorf("the first page has %d objects, token %q", len(page.Objects), page.Token)
	}
	got, _ := b.list(objstore.ListOptions{})
	if !slices.Equal(got, want) {
		b.Errorf("%d objects are listed, or in another order than the %d that were put", len(got), len(want))
	}
	keys, prefixes := b.list(objstore.ListOptions{Delimiter: "/"})
	if len(keys) != 0 || len(prefixes) != dirs || !slices.IsSorted(prefixes) {
		b.Errorf("%d keys and %d prefixes", len(keys), len(prefixes))
	}
}
