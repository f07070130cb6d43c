package storetest

import (
	"errors"
	"sync"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var conditionTests = []test{
	{"PutAbsent", func(b *bench) { b.testAbsent(b.guardedPut, b.profile.NoClobberPut.Sent()) }},
	{"PutIfMatch", func(b *bench) { b.testIfMatch(b.guardedPut, b.profile.IfMatchPut) }},
	{"CompleteAbsent", func(b *bench) { b.testAbsent(b.guardedComplete, b.profile.NoClobberDone.Sent()) }},
	{"CompleteIfMatch", func(b *bench) { b.testIfMatch(b.guardedComplete, b.profile.IfMatchDone) }},
	{"CopyAbsent", func(b *bench) { b.testAbsent(b.guardedCopy, b.profile.CopyGuards) }},
	{"CopyIfMatch", func(b *bench) { b.testIfMatch(b.guardedCopy, b.profile.CopyGuards) }},
	{"OneOfManyWins", testOneOfManyWins},
	{"CompleteAgainAfterPrecondition", testCompleteAgain},
}

// making makes an object of some bytes under a key, under a condition.
type making func(key, data string, c objstore.Condition) error

func (b *bench) guardedPut(key, data string, c objstore.Condition) error {
	_, err := b.store.Put(b.Context(), key, b.body([]byte(data)), objstore.PutOptions{Condition: c})
	return err
}

func (b *bench) guardedComplete(key, data string, c objstore.Condition) error {
	up := b.begin(key)
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{b.part(up, 1, []byte(data))}, objstore.CompleteOptions{Condition: c})
	if err != nil {
		b.must(b.store.Abort(b.Context(), up), "abort")
	}
	return err
}

func (b *bench) guardedCopy(key, data string, c objstore.Condition) error {
	b.put("source", []byte(data))
	_, err := b.store.Copy(b.Context(), key, objstore.CopySource{Key: "source"}, objstore.CopyOptions{Condition: c})
	return err
}

func (b *bench) testAbsent(make making, can bool) {
	c := objstore.Condition{Absent: true}
	if !can {
		b.want(make("k", "first", c), objstore.ErrUnsupported, "a guard that the store cannot keep")
		b.absent("k")
		return
	}
	b.must(make("k", "first", c), "the first")
	b.want(make("k", "second", c), objstore.ErrPrecondition, "the second")
	b.holds("k", []byte("first"))
}

func (b *bench) testIfMatch(make making, can bool) {
	old := b.put("k", []byte("old"))
	if !can {
		b.want(make("k", "new", objstore.Condition{ETag: old.ETag}), objstore.ErrUnsupported, "a guard that the store cannot keep")
		b.holds("k", []byte("old"))
		return
	}
	b.must(make("k", "new", objstore.Condition{ETag: old.ETag}), "with the right ETag")
	b.want(make("k", "newer", objstore.Condition{ETag: old.ETag}), objstore.ErrPrecondition, "with the ETag of the object before")
	b.holds("k", []byte("new"))
	b.must(b.store.Delete(b.Context(), "k"), "delete")
	b.want(make("k", "newer", objstore.Condition{ETag: old.ETag}), objstore.ErrPrecondition, "with an ETag where there is no object")
	b.absent("k")
}

// testOneOfManyWins has writers race for a name.
func testOneOfManyWins(b *bench) {
	if !b.profile.NoClobberPut.Sent() {
		b.want(b.guardedPut("k", "x", objstore.Condition{Absent: true}), objstore.ErrUnsupported, "put")
		return
	}
	const writers = 8
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, errs[i] = b.store.Put(b.Context(), "k", b.body([]byte{byte(i)}), objstore.PutOptions{Condition: objstore.Condition{Absent: true}})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			b.Errorf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrConflict):
			b.Errorf("writer %d: %v", i, err)
		}
	}
	if winner < 0 {
		b.Fatal("nobody won")
	}
	b.holds("k", []byte{byte(winner)})
}

// testCompleteAgain keeps the upload of a Complete whose guard did not hold.
func testCompleteAgain(b *bench) {
	if !b.profile.NoClobberDone.Sent() {
		b.want(b.guardedComplete("k", "x", objstore.Condition{Absent: true}), objstore.ErrUnsupported, "complete")
		return
	}
	b.put("k", []byte("old"))
	up := b.begin("k")
	p := b.part(up, 1, []byte("new"))
	_, err := b.store.Complete(b.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{Condition: objstore.Condition{Absent: true}})
	b.want(err, objstore.ErrPrecondition, "guarded complete")
	b.complete(up, p)
	b.holds("k", []byte("new"))
}
