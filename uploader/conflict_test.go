package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// guardProfiles are stores by how they keep a guard.
func guardProfiles() map[string]objstore.Profile {
	headFirst := func(p *objstore.Profile) {
		p.NoClobberPut, p.NoClobberDone = objstore.GuardHeadFirst, objstore.GuardHeadFirst
		p.IfMatchPut, p.IfMatchDone, p.CopyGuards = false, false, false
	}
	opaque := func(p *objstore.Profile) {
		p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
	}
	return map[string]objstore.Profile{
		"s3":              tight(),
		"opaque":          tight(opaque),
		"looked at first": tight(headFirst),
		"looked at first, opaque": tight(func(p *objstore.Profile) {
			headFirst(p)
			opaque(p)
		}),
	}
}

// sizes of files that go out in one request, and as parts.
var sizes = map[string]int{"empty": 0, "put": 1000, "parts": 3*cell + 5}

// race commits files that were opened and written before at the same moment, and
// returns what became of each.
func race(files []*uploader.File) []error {
	errs := make([]error, len(files))
	start := make(chan struct{})
	var g sync.WaitGroup
	for i, f := range files {
		g.Go(func() {
			<-start
			_, errs[i] = f.Commit(context.Background())
		})
	}
	close(start)
	g.Wait()
	return errs
}

// TestExclusiveCreate has mounts create one name at once: one of them wins, also
// when all of them write the same, and when the store's answers are lost.
func TestExclusiveCreate(t *testing.T) {
	for name, p := range guardProfiles() {
		atomic := p.NoClobberPut == objstore.GuardIfNoneMatch
		for kind, size := range sizes {
			for _, lost := range []bool{false, true} {
				if lost && !atomic {
					continue // nothing can tell
				}
				t.Run(fmt.Sprintf("%s, %s, answers lost %v", name, kind, lost), func(t *testing.T) {
					for round := range 5 {
						exclusiveCreate(t, p, size, atomic, lost, round%2 == 0)
					}
				})
			}
		}
	}
}

func exclusiveCreate(t *testing.T, p objstore.Profile, size int, atomic, lost, same bool) {
	under := mem.New(p)
	faults := fault.New(under)
	if lost {
		faults.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.LoseAnswer, Times: 1})
		faults.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer, Times: 1})
	}
	store := retry.New(faults, retry.Config{Base: time.Microsecond})
	var files []*uploader.File
	var want [][]byte
	for i := range 4 {
		u := newUploader(t, store, tightConfig(t, &p))
		f := u.Open("lock", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}, Exclusive: true})
		data := noise(uint64(i), size)
		if same {
			data = noise(0, size)
		}
		mustWrite(t, f, data, 0)
		files, want = append(files, f), append(want, data)
	}
	errs := make([]error, len(files))
	if atomic {
		errs = race(files)
	} else {
		for i, f := range files {
			errs[i] = race([]*uploader.File{f})[0]
		}
	}
	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winners++
			holds(t, under, "lock", want[i])
		case !errors.Is(err, uploader.ErrExists):
			t.Errorf("the loser is told %v", err)
		}
		if err := files[i].Close(t.Context()); !errors.Is(err, errs[i]) {
			t.Errorf("close: %v, want %v", err, errs[i])
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d created the file: %v", winners, len(errs), errs)
	}
	if n := under.Uploads(); n != 0 {
		t.Errorf("%d uploads left unfinished", n)
	}
}

// TestConflict has two mounts change one object, or create it, at once.
func TestConflict(t *testing.T) {
	for name, p := range guardProfiles() {
		atomic := p.NoClobberPut == objstore.GuardIfNoneMatch
		for kind, size := range sizes {
			if size == 0 {
				continue
			}
			for _, exists := range []bool{false, true} {
				for _, policy := range []uploader.Conflict{uploader.ConflictFail, uploader.ConflictOverwrite, uploader.ConflictKeepBoth} {
					t.Run(fmt.Sprintf("%s, %s, exists %v, %s", name, kind, exists, policy), func(t *testing.T) {
						c := conflict{t: t, store: mem.New(p), policy: policy, size: size}
						c.run(exists, atomic)
					})
				}
			}
		}
	}
}

type conflict struct {
	t      *testing.T
	store  *mem.Store
	policy uploader.Conflict
	size   int
	files  []*uploader.File
	want   [][]byte
}

func (c *conflict) run(exists, atomic bool) {
	open := uploader.OpenOptions{Guard: objstore.Condition{Absent: true}}
	if exists {
		base := putObject(c.t, c.store, "f", noise(99, c.size))
		open = uploader.OpenOptions{Guard: objstore.Condition{ETag: base.ETag}}
		if c.policy == uploader.ConflictFail { // who needs bytes of what was replaced, cannot win
			open.Base = &base
		}
	}
	for i := range 2 {
		cfg := tightConfig(c.t, c.store.Profile())
		cfg.Conflict = c.policy
		f := newUploader(c.t, c.store, cfg).Open("f", open)
		data := noise(uint64(i), c.size)
		if open.Base != nil {
			mustWrite(c.t, f, data[:10], 0)
			data = append(data[:10:10], noise(99, c.size)[10:]...)
		} else {
			mustWrite(c.t, f, data, 0)
		}
		c.files, c.want = append(c.files, f), append(c.want, data)
	}
	var errs []error
	if atomic {
		errs = race(c.files)
	} else {
		errs = append(race(c.files[:1]), race(c.files[1:])...)
	}
	c.check(errs)
	for i, f := range c.files {
		if err := f.Close(c.t.Context()); !errors.Is(err, errs[i]) {
			c.t.Errorf("close: %v, want %v", err, errs[i])
		}
	}
	if n := c.store.Uploads(); n != 0 {
		c.t.Errorf("%d uploads left unfinished", n)
	}
}

func (c *conflict) check(errs []error) {
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		} else if c.policy != uploader.ConflictFail || !errors.Is(err, uploader.ErrConflict) {
			c.t.Errorf("commit: %v", err)
		}
	}
	got, _, _ := c.store.Object("f")
	last := -1
	for _, i := range won {
		if bytes.Equal(got, c.want[i]) {
			last = i
		}
	}
	if last < 0 {
		c.t.Errorf("the object is of neither that succeeded: %v", errs)
	}
	kept := map[string]bool{}
	for _, k := range c.store.Keys() {
		if strings.HasPrefix(k, "f.conflict-") {
			data, _, _ := c.store.Object(k)
			kept[string(data)] = true
		} else if k != "f" {
			c.t.Errorf("object %q left behind", k)
		}
	}
	switch {
	case c.policy == uploader.ConflictFail && len(won) != 1:
		c.t.Errorf("%d commits succeeded, want 1", len(won))
	case c.policy != uploader.ConflictKeepBoth && len(kept) > 0:
		c.t.Errorf("%d objects were kept", len(kept))
	case c.policy == uploader.ConflictKeepBoth && last >= 0 && !kept[string(c.want[1-last])]:
		c.t.Errorf("the other's object was not kept: %v", c.store.Keys())
	}
}

// TestFreshness spares a look at the object where it was seen a moment ago.
func TestFreshness(t *testing.T) {
	p := guardProfiles()["looked at first"]
	for _, c := range []struct {
		freshness time.Duration
		heads     int64
	}{{0, 1}, {time.Hour, 0}} {
		store := mem.New(p)
		cfg := tightConfig(t, &p)
		cfg.Freshness = c.freshness
		u := newUploader(t, store, cfg)
		f := u.Open("f", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
		mustCommit(t, f)
		mustClose(t, f)
		if n := store.Calls(objstore.OpHead); n != c.heads {
			t.Errorf("fresh for %s: %d looks, want %d", c.freshness, n, c.heads)
		}
	}
}

// TestStageKeepsConflicts stages under a name that another writer changed: what
// the other wrote is neither lost nor taken for what was seen at open.
func TestStageKeepsConflicts(t *testing.T) {
	for name, p := range map[string]objstore.Profile{"s3": tight(), "looked at first": guardProfiles()["looked at first"]} {
		t.Run(name, func(t *testing.T) {
			store := mem.New(p)
			u := newUploader(t, store, tightConfig(t, &p))
			base := putObject(t, store, "f", noise(1, 3*cell))
			f := u.Open("f", uploader.OpenOptions{Base: &base, Guard: objstore.Condition{ETag: base.ETag}})
			mustWrite(t, f, noise(2, cell), 0)
			mustWrite(t, f, noise(2, cell), cell)
			squeeze(t, u, f) // both cells are at the store now
			other := noise(3, 2*cell)
			putObject(t, store, "f", other)
			got := make([]byte, 10)
			if n, err := f.ReadAt(t.Context(), got, cell); n != 10 || err != nil || !bytes.Equal(got, noise(2, 10)) {
				t.Errorf("read what was sent: %d, %v", n, err)
			}
			holds(t, store, "f", other)
			if n, err := f.ReadAt(t.Context(), got, 2*cell); !errors.Is(err, uploader.ErrConflict) {
				t.Errorf("read what was replaced: %d, %v", n, err)
			}
			if _, err := f.Commit(t.Context()); !errors.Is(err, uploader.ErrConflict) {
				t.Errorf("commit: %v", err)
			}
			if err := f.Close(t.Context()); !errors.Is(err, uploader.ErrConflict) {
				t.Errorf("close: %v", err)
			}
			holds(t, store, "f", other)
			nothingLeft(t, u, store)
			if keys := store.Keys(); len(keys) != 1 {
				t.Errorf("left behind: %v", keys)
			}
		})
	}
}

// TestKeepAll has many mounts write one name at once: nothing of any is lost.
func TestKeepAll(t *testing.T) {
	for kind, size := range sizes {
		if size == 0 {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			store := mem.New(tight())
			var files []*uploader.File
			for i := range uint64(6) {
				cfg := tightConfig(t, store.Profile())
				cfg.Conflict = uploader.ConflictKeepBoth
				f := newUploader(t, store, cfg).Open("f", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
				mustWrite(t, f, noise(i, size), 0)
				files = append(files, f)
			}
			for i, err := range race(files) {
				if err != nil {
					t.Errorf("commit: %v", err)
				}
				mustClose(t, files[i])
			}
			there := map[string]bool{}
			for _, k := range store.Keys() {
				data, _, _ := store.Object(k)
				there[string(data)] = true
			}
			for i := range files {
				if !there[string(noise(uint64(i), size))] {
					t.Errorf("what writer %d wrote is lost: %v", i, store.Keys())
				}
			}
		})
	}
}

// TestReplacedBase rewrites all of an object that another writer replaced since it
// was opened, of which no more than its listing was known.
func TestReplacedBase(t *testing.T) {
	for _, policy := range []uploader.Conflict{uploader.ConflictFail, uploader.ConflictOverwrite, uploader.ConflictKeepBoth} {
		for _, gone := range []bool{false, true} {
			for kind, size := range sizes {
				if size == 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, gone %v", policy, kind, gone), func(t *testing.T) {
					store := mem.New(tight())
					cfg := tightConfig(t, store.Profile())
					cfg.Conflict = policy
					u := newUploader(t, store, cfg)
					base := putObject(t, store, "f", noise(1, size))
					f := u.Open("f", uploader.OpenOptions{Base: &base, Guard: objstore.Condition{ETag: base.ETag}})
					if gone {
						if err := store.Delete(t.Context(), "f"); err != nil {
							t.Fatal(err)
						}
					} else {
						putObject(t, store, "f", noise(2, size))
					}
					want := noise(3, size)
					_, err := f.WriteAt(t.Context(), want, 0)
					if err == nil {
						_, err = f.Commit(t.Context())
					}
					if policy == uploader.ConflictFail {
						if !errors.Is(err, uploader.ErrConflict) {
							t.Errorf("commit: %v", err)
						}
					} else {
						if err != nil {
							t.Errorf("commit: %v", err)
						}
						holds(t, store, "f", want)
						mustClose(t, f)
						nothingLeft(t, u, store)
					}
				})
			}
		}
	}
}
