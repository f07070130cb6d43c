package storetest

import (
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var deleteTests = []test{
	{"One", testDelete},
	{"Many", testDeleteMany},
	{"TooMany", testDeleteTooMany},
	{"Nothing", testDeleteNothing},
}

func testDelete(b *bench) {
	b.put("k", []byte("x"))
	b.put("dir/k", []byte("x"))
	b.must(b.store.Delete(b.Context(), "k"), "delete")
	b.absent("k")
	b.must(b.store.Delete(b.Context(), "k"), "delete what is not there")
	b.must(b.store.Delete(b.Context(), "dir/"), "delete a directory that is only implied")
	b.holds("dir/k", []byte("x"))
}

func testDeleteMany(b *bench) {
	var keys []string
	for i := range 50 {
		key := fmt.Sprintf("d/%d", i)
		b.put(key, nil)
		keys = append(keys, key)
	}
	b.put("stays", nil)
	failed, err := b.store.DeleteMany(b.Context(), append(keys, "was/never/there"))
	b.must(err, "delete")
	if len(failed) != 0 {
		b.Errorf("failed: %v", failed)
	}
	if left, _ := b.list(objstore.ListOptions{}); len(left) != 1 || left[0] != "stays" {
		b.Errorf("left: %q", left)
	}
}

func testDeleteTooMany(b *bench) {
	b.put("k0", nil)
	keys := make([]string, objstore.MaxPage+1)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
	}
	_, err := b.store.DeleteMany(b.Context(), keys)
	b.want(err, objstore.ErrInvalid, "more keys than one request may have")
	b.holds("k0", nil)
	failed, err := b.store.DeleteMany(b.Context(), keys[:objstore.MaxPage])
	if err != nil || len(failed) != 0 {
		b.Errorf("as many as it may have: %v, %v", failed, err)
	}
	b.absent("k0")
}

func testDeleteNothing(b *bench) {
	failed, err := b.store.DeleteMany(b.Context(), nil)
	if err != nil || len(failed) != 0 {
		b.Errorf("%v, %v", failed, err)
	}
}
