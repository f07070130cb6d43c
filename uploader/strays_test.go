package uploader_test

import (
	"runtime"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestPartsThatAreNotPartOfTheFileAnyMore shortens a file of which parts were sent, at
// stores that want every part that was sent in the end.
func TestPartsThatAreNotPartOfTheFileAnyMore(t *testing.T) {
	for _, again := range []bool{false, true} {
		store := mem.New(segmented(func(p *objstore.Profile) { p.CompleteListsAll = true }))
		u := segmentedUploader(t, store, 4<<20)
		f := u.Open("f", uploader.OpenOptions{})
		want := noise(7, 70_000)
		mustWrite(t, f, want, 0)
		for u.Stats().Parts < 5 { // those of all cells that are full
			runtime.Gosched()
		}
		if err := f.Truncate(t.Context(), 25_000); err != nil {
			t.Fatal(err)
		}
		want = want[:25_000]
		if again {
			mustWrite(t, f, []byte("again"), 20_000)
			copy(want[20_000:], "again")
		}
		mustCommit(t, f)
		holds(t, store, "f", want)
		mustClose(t, f)
		nothingLeft(t, u, store)
	}
}
