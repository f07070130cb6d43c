package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// faultCase is something that a store does wrong.
type faultCase struct {
	name   string
	rule   fault.Rule
	heals  bool // a store that repeats requests gets over it
	litter bool // something may be left at the store
}

func faultCases() []faultCase {
	status := func(op string, code int) fault.Rule {
		return fault.Rule{Op: op, Mode: fault.Fail, Status: code}
	}
	mode := func(op string, m fault.Mode) fault.Rule { return fault.Rule{Op: op, Mode: m, At: -1} }
	return []faultCase{
		{"part 503", status(objstore.OpUploadPart, 503), true, false},
		{"part 500", status(objstore.OpUploadPart, 500), true, false},
		{"part 403", status(objstore.OpUploadPart, 403), false, false},
		{"part dropped", mode(objstore.OpUploadPart, fault.Drop), true, false},
		{"part unanswered", mode(objstore.OpUploadPart, fault.LoseAnswer), true, false},
		{"part corrupted", mode(objstore.OpUploadPart, fault.Corrupt), true, false},
		{"part truncated", mode(objstore.OpUploadPart, fault.Truncate), true, false},
		{"put 500", status(objstore.OpPut, 500), true, false},
		{"put 403", status(objstore.OpPut, 403), false, false},
		{"put dropped", mode(objstore.OpPut, fault.Drop), true, false},
		{"put unanswered", mode(objstore.OpPut, fault.LoseAnswer), true, false},
		{"put corrupted", mode(objstore.OpPut, fault.Corrupt), true, false},
		{"put truncated", mode(objstore.OpPut, fault.Truncate), true, false},
		{"begin 500", status(objstore.OpCreateMultipart, 500), true, false},
		{"begin 403", status(objstore.OpCreateMultipart, 403), false, false},
		{"begin dropped", mode(objstore.OpCreateMultipart, fault.Drop), true, false},
		{"begin unanswered", mode(objstore.OpCreateMultipart, fault.LoseAnswer), true, true},
		{"complete 500", status(objstore.OpComplete, 500), true, false},
		{"complete 403", status(objstore.OpComplete, 403), false, false},
		{"complete 404", fault.Rule{Op: objstore.OpComplete, Mode: fault.Fail, Code: "NoSuchUpload"}, false, false},
		{"complete 412", fault.Rule{Op: objstore.OpComplete, Mode: fault.Fail, Code: "PreconditionFailed"}, false, false},
		{"complete dropped", mode(objstore.OpComplete, fault.Drop), true, false},
		{"complete unanswered", mode(objstore.OpComplete, fault.LoseAnswer), true, false},
		{"complete error in 200", mode(objstore.OpComplete, fault.ErrorIn200), true, false},
		{"copied part 500", status(objstore.OpUploadPartCopy, 500), true, false},
		{"copied part 403", status(objstore.OpUploadPartCopy, 403), false, false},
		{"copied part unanswered", mode(objstore.OpUploadPartCopy, fault.LoseAnswer), true, false},
		{"copied part error in 200", mode(objstore.OpUploadPartCopy, fault.ErrorIn200), true, false},
		{"copy 500", status(objstore.OpCopy, 500), true, false},
		{"copy 403", status(objstore.OpCopy, 403), false, false},
		{"copy unanswered", mode(objstore.OpCopy, fault.LoseAnswer), true, false},
		{"get 500", status(objstore.OpGet, 500), true, false},
		{"get 403", status(objstore.OpGet, 403), false, false},
		{"get truncated", mode(objstore.OpGet, fault.Truncate), true, false},
		{"head 500", status(objstore.OpHead, 500), true, false},
		{"head 403", status(objstore.OpHead, 403), false, false},
		{"abort 403", status(objstore.OpAbort, 403), false, true},
		{"abort unanswered", mode(objstore.OpAbort, fault.LoseAnswer), true, false},
		{"delete 403", status(objstore.OpDelete, 403), false, true},
		{"delete unanswered", mode(objstore.OpDelete, fault.LoseAnswer), true, false},
	}
}

// TestFaults runs the model against stores that fail. Whatever they do, a commit
// that succeeded has published exactly the file, one that failed has left the
// object as it was, and nothing is left behind.
func TestFaults(t *testing.T) {
	kinds := modelKinds()
	names := []string{"free", "tight", "consecutive", "equal", "md5", "lists all", "opaque", "few numbers"}
	for _, c := range faultCases() {
		for _, retried := range []bool{false, true} {
			name := fmt.Sprintf("%s, retried %v", c.name, retried)
			t.Run(name, func(t *testing.T) {
				hits := int64(0)
				for s := *begin - 1; s < *begin+uint64(*seeds)/25; s++ {
					if *seed != 0 {
						s = *seed - 1
					}
					kind := names[s%uint64(len(names))]
					hits += mustFail(t, kind, kinds[kind], c, retried, s+1)
					if *seed != 0 || t.Failed() {
						break
					}
				}
				if hits == 0 && *seed == 0 && *seeds >= 100 {
					t.Error("the fault never came")
				}
			})
		}
	}
}

// mustFail plays the sequence of a seed at a store that fails. If something is not as
// it should be then, it is shown as short as it can be made.
func mustFail(t *testing.T, name string, k kind, c faultCase, retried bool, seed uint64) (hits int64) {
	t.Helper()
	seq := generateFaulty(seed)
	play := func(seq []operation) (err error) {
		// On a clock of its own: what is not answered is waited for.
		synctest.Test(t, func(t *testing.T) {
			var n int64
			n, err = playFaulty(t, k, c, retried, seq)
			hits += n
		})
		return err
	}
	if err := play(seq); err != nil {
		t.Errorf("sequence %d of %s: %v\n%s", seed, name, err, formatSequence(seq))
		shrink(t, seq, play)
	}
	return hits
}

// trial is a model at a store that fails.
type trial struct {
	*model
	faults  *fault.Store
	kept    bool // a copy of what could not be put back
	c       faultCase
	retried bool
}

func playFaulty(t *testing.T, k kind, c faultCase, retried bool, seq []operation) (hits int64, err error) {
	store := mem.New(k.profile)
	faults := fault.New(store)
	var top objstore.Store = faults
	if retried {
		top = retry.New(faults, retry.Config{Base: time.Microsecond, Jitter: func(time.Duration) time.Duration { return 0 }})
	}
	u, err := uploader.New(t.Context(), top, k.config(t))
	if err != nil {
		return 0, err
	}
	tr := &trial{model: newModel(store, u, "dir/"), faults: faults, c: c, retried: retried}
	tr.onError = tr.failed
	tr.onArm = tr.arm
	_, err = tr.play(seq)
	faults.Clear()
	if err == nil {
		err = errors.Join(tr.end(), tr.checkLitter())
	}
	if e := u.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("close uploader: %w", e))
	}
	return faults.Hits(), err
}

// arm lets the store fail at one of the next calls.
func (tr *trial) arm(o operation) {
	rule := tr.c.rule
	rule.After, rule.Times = int(o.off)%2, int(o.n)
	switch rule.Op {
	case objstore.OpUploadPart, objstore.OpUploadPartCopy:
		rule.After = int(o.off)
	case objstore.OpAbort: // rare
		rule.After = 0
	}
	tr.faults.Clear()
	tr.faults.Add(rule)
}

// failed checks what an operation that failed has left, and begins again.
func (tr *trial) failed(f *modelFile, what string, err error) error {
	// The object tells whether a request succeeded whose answer was lost.
	told := tr.c.rule.Mode == fault.LoseAnswer && (tr.c.rule.Op == objstore.OpPut || tr.c.rule.Op == objstore.OpComplete)
	if told || tr.retried && tr.c.heals {
		return fmt.Errorf("%s: %w", what, err)
	}
	sticky := f.f.Err()
	if sticky == nil {
		if what != "read" {
			return fmt.Errorf("%s failed, and the file goes on: %w", what, err)
		}
		return nil
	}
	if !errors.Is(err, sticky) {
		return fmt.Errorf("%s: %w, but the file has failed with %w", what, err, sticky)
	}
	tr.kept = tr.kept || errors.Is(err, uploader.ErrNotRestored)
	if err := errors.Join(checkSticky(f, sticky), tr.checkObject(f, err)); err != nil {
		return err
	}
	tr.faults.Clear()
	if err := f.f.Close(context.Background()); !errors.Is(err, sticky) {
		return fmt.Errorf("close: %w, want %w", err, sticky)
	}
	tr.adopt(f)
	tr.open(f, false)
	return nil
}

// adopt makes what is in the store what the file has.
func (tr *trial) adopt(f *modelFile) {
	data, info, ok := tr.store.Object(f.key)
	f.saved, f.info, f.want = nil, info, nil
	if ok {
		f.saved, f.want = data, bytes.Clone(data)
		f.info.Key = f.key
	}
}

func checkSticky(f *modelFile, sticky error) error {
	ctx := context.Background()
	_, write := f.f.WriteAt(ctx, []byte{1}, 0)
	_, read := f.f.ReadAt(ctx, make([]byte, 1), 0)
	_, commit := f.f.Commit(ctx)
	for what, err := range map[string]error{"write": write, "read": read, "commit": commit, "truncate": f.f.Truncate(ctx, 1)} {
		if !errors.Is(err, sticky) {
			return fmt.Errorf("%s after %w: %w", what, sticky, err)
		}
	}
	return nil
}

// checkObject makes sure that a failure left the object as it was, unless the
// error says that the request may have succeeded and the object is the file.
func (tr *trial) checkObject(f *modelFile, err error) error {
	got, _, ok := tr.store.Object(f.key)
	if ok == (f.saved != nil) && bytes.Equal(got, f.saved) {
		return nil
	}
	var e *objstore.Error
	told := errors.As(err, &e) && e.Sent || errors.Is(err, uploader.ErrUnverified)
	if told && ok && bytes.Equal(got, f.want) || errors.Is(err, uploader.ErrNotRestored) {
		return nil
	}
	return fmt.Errorf("after %w the object is there: %v, should be: %v; %s", err, ok, f.saved != nil, difference(got, f.saved))
}

// checkLitter makes sure that files that were closed left nothing behind.
func (tr *trial) checkLitter() error {
	if err := tr.nothingHeld(); err != nil || tr.c.litter || tr.kept {
		return err
	}
	return tr.nothingLeft()
}

// encrypting is a store whose bucket encrypts with a key of its own, which nobody has told: ETags
// follow from nothing.
type encrypting struct {
	*fault.Store
	told objstore.Profile
}

func (s *encrypting) Profile() *objstore.Profile { return &s.told }

// TestLostAnswerOfABucketThatEncrypts is known for our own by the object's checksum.
func TestLostAnswerOfABucketThatEncrypts(t *testing.T) {
	told := small()
	told.Digest, told.FullDigest = objstore.CRC64NVME, true
	told.PartETag, told.FinalETag = objstore.ETagMD5, objstore.ETagMD5OfMD5
	p := told
	p.PartETag, p.FinalETag = objstore.ETagOpaque, objstore.ETagOpaque
	stored := mem.New(p)
	store := &encrypting{fault.New(stored), told}
	u := newUploader(t, store, smallConfig(t))
	data := noise(1, 200_000)
	f := sendParts(t, u, "f", data)
	store.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer, Times: 1})
	if _, err := f.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	holds(t, stored, "f", data)
	mustClose(t, f)
}
