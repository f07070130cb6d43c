package uploader_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	profiles := modelProfiles()
	names := []string{"free", "consecutive", "equal", "md5", "opaque"}
	for _, c := range faultCases() {
		for _, retried := range []bool{false, true} {
			name := fmt.Sprintf("%s, retried %v", c.name, retried)
			t.Run(name, func(t *testing.T) {
				hits := int64(0)
				for s := *begin - 1; s < *begin+uint64(*seeds)/25; s++ {
					if *seed != 0 {
						s = *seed - 1
					}
					profile := names[s%uint64(len(names))]
					t.Run(fmt.Sprint(profile, " ", s+1), func(t *testing.T) {
						// On a clock of its own: what is not answered is waited for.
						synctest.Test(t, func(t *testing.T) { hits += runFault(t, profiles[profile], c, retried, s+1) })
					})
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

// trial is a model at a store that fails.
type trial struct {
	*model
	faults  *fault.Store
	kept    bool // a copy of what could not be put back
	c       faultCase
	retried bool
}

func runFault(t *testing.T, p objstore.Profile, c faultCase, retried bool, seed uint64) (hits int64) {
	store := mem.New(p)
	faults := fault.New(store)
	var top objstore.Store = faults
	if retried {
		top = retry.New(faults, retry.Config{Base: time.Microsecond, Jitter: func(time.Duration) time.Duration { return 0 }})
	}
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 12)), store: store, dir: "dir/", key: "dir/file"}
	tr := &trial{model: m, faults: faults, c: c, retried: retried}
	m.onError = tr.failed
	m.u = newUploader(t, top, smallConfig(t))
	m.open()
	for range 3 {
		tr.arm()
		for range 3 + m.r.IntN(12) {
			tr.step()
			if t.Failed() {
				break
			}
		}
	}
	faults.Clear()
	m.commit()
	tr.end()
	if t.Failed() {
		t.Logf("sequence:\n%s", strings.Join(m.log, "\n"))
	}
	return faults.Hits()
}

// step does what the model does, and more often what takes rare requests: small
// files, files that are given up, and the rewriting of what is not held any more.
func (tr *trial) step() {
	switch tr.r.IntN(16) {
	case 0, 1:
		tr.truncateTo(0)
		tr.write(0, 1+tr.r.IntN(100_000))
		tr.commit()
	case 2, 7:
		tr.write(int64(len(tr.want)), 300_000)
		tr.truncateTo(0)
	case 3, 4: // an upload under the file's own name cannot go to another
		tr.commit()
		tr.close()
		tr.open()
		tr.truncateTo(0)
		tr.write(0, 350_000)
		tr.rename()
		tr.commit()
	case 6, 8, 9: // read from the object what is sent along with a change
		tr.commit()
		tr.close()
		tr.open()
		tr.write(int64(len(tr.want)/2), 10)
		tr.commit()
	default:
		tr.model.step()
	}
}

// arm lets the store fail at one of the next calls.
func (tr *trial) arm() {
	rule := tr.c.rule
	rule.After, rule.Times = tr.r.IntN(2), 1+tr.r.IntN(2)
	switch rule.Op {
	case objstore.OpUploadPart, objstore.OpUploadPartCopy:
		rule.After = tr.r.IntN(8)
	case objstore.OpAbort: // rare
		rule.After = 0
	}
	tr.faults.Clear()
	tr.faults.Add(rule)
	tr.did("armed after %d, %d times", rule.After, rule.Times)
}

// failed checks what an operation that failed has left, and begins again.
func (tr *trial) failed(what string, err error) {
	// The object tells whether a request succeeded whose answer was lost.
	told := tr.c.rule.Mode == fault.LoseAnswer && (tr.c.rule.Op == objstore.OpPut || tr.c.rule.Op == objstore.OpComplete)
	if told || tr.retried && tr.c.heals {
		tr.t.Errorf("%s: %v", what, err)
	}
	sticky := tr.f.Err()
	if sticky == nil {
		if what != "read" {
			tr.t.Errorf("%s failed with %v, and the file goes on", what, err)
		}
		return
	}
	if !errors.Is(err, sticky) {
		tr.t.Errorf("%s: %v, but the file has failed with %v", what, err, sticky)
	}
	tr.kept = tr.kept || errors.Is(err, uploader.ErrNotRestored)
	tr.checkSticky(sticky)
	tr.checkObject(err)
	tr.faults.Clear()
	if err := tr.f.Close(tr.t.Context()); !errors.Is(err, sticky) {
		tr.t.Errorf("close: %v, want %v", err, sticky)
	}
	tr.checkLitter()
	tr.info = objstore.Info{}
	data, info, ok := tr.store.Object(tr.key)
	tr.saved, tr.info, tr.want = nil, info, nil
	if ok {
		tr.saved, tr.want = data, bytes.Clone(data)
		tr.info.Key = tr.key
	}
	tr.open()
}

func (tr *trial) checkSticky(sticky error) {
	if _, err := tr.f.WriteAt(tr.t.Context(), []byte{1}, 0); !errors.Is(err, sticky) {
		tr.t.Errorf("write after %v: %v", sticky, err)
	}
	if _, err := tr.f.ReadAt(tr.t.Context(), make([]byte, 1), 0); !errors.Is(err, sticky) {
		tr.t.Errorf("read after %v: %v", sticky, err)
	}
	if err := tr.f.Truncate(tr.t.Context(), 1); !errors.Is(err, sticky) {
		tr.t.Errorf("truncate after %v: %v", sticky, err)
	}
	if _, err := tr.f.Commit(tr.t.Context()); !errors.Is(err, sticky) {
		tr.t.Errorf("commit after %v: %v", sticky, err)
	}
}

// checkObject makes sure that a failure left the object as it was, unless the
// error says that the request may have succeeded and the object is the file.
func (tr *trial) checkObject(err error) {
	got, _, ok := tr.store.Object(tr.key)
	if ok == (tr.saved != nil) && bytes.Equal(got, tr.saved) {
		return
	}
	var e *objstore.Error
	told := errors.As(err, &e) && e.Sent || errors.Is(err, uploader.ErrUnverified)
	if told && ok && bytes.Equal(got, tr.want) || errors.Is(err, uploader.ErrNotRestored) {
		return
	}
	tr.t.Errorf("after %v the object is there: %v, should be: %v; %s", err, ok, tr.saved != nil, difference(got, tr.saved))
}

// checkLitter makes sure that a file that was closed left nothing behind.
func (tr *trial) checkLitter() {
	if s := tr.u.Stats(); s.Memory != 0 || s.Spilled != 0 || s.Files != 0 || s.InFlight != 0 {
		tr.t.Errorf("left behind: %+v", s)
	}
	if tr.c.litter || tr.kept {
		return
	}
	if n := tr.store.Uploads(); n != 0 {
		tr.t.Errorf("%d uploads left unfinished", n)
	}
	for _, k := range tr.store.Keys() {
		if k != tr.key {
			tr.t.Errorf("object %q left behind", k)
		}
	}
}

func (tr *trial) end() {
	tr.close()
	tr.checkLitter()
	if err := tr.u.Close(); err != nil {
		tr.t.Errorf("close uploader: %v", err)
	}
}
