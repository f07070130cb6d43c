//go:build integration

package integration

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

var (
	modelSeeds = flag.Uint64("model.seeds", 500, "random sequences that each of the model tests plays")
	modelFirst = flag.Uint64("model.first", 1, "the first of them")
	modelSeed  = flag.Uint64("model.seed", 0, "play only this one")
	modelPlay  = flag.String("model.play", "", "play only the sequence in this file")
)

// mountSize is how many sequences one mount serves: the store in memory keeps
// what they leave until the unmount, to be looked at again.
const mountSize = 100

// TestModel plays random sequences of operations on a mount and on a model at
// once. Each answer must be the same, and in the store must be what the model
// has.
func TestModel(t *testing.T) {
	for _, v := range modelVariants() {
		t.Run(v.name, func(t *testing.T) { v.run(t) })
	}
}

// TestModelIsPOSIX plays the sequences on the model and on a local disk: where
// they differ, the model is wrong.
func TestModelIsPOSIX(t *testing.T) {
	for s := *modelFirst; s < *modelFirst+*modelSeeds; s++ {
		p := newPlayer(t.TempDir())
		p.local = true
		p.outside = func(o operation) error { return os.WriteFile(p.path(o.name), pattern(o.salt, o.n), 0o644) }
		seq := generate(s, noFaults)
		if i, err := p.follow(seq, newPosix(), nil); err != nil {
			t.Errorf("seed %d: %v\n%s", s, err, formatSequence(seq[:i+1]))
		}
		p.closeAll()
		os.RemoveAll(p.dir)
	}
}

// variant is one way in which the model is held against a mount.
type variant struct {
	name    string
	profile objstore.Profile
	through bool // without the kernel's write-back cache
	faults  faults
	delay   time.Duration // of metadata; 0 is little
	ttl     time.Duration // for which the mount and the kernel trust what they know; 0 is the default
	rsync   bool          // the programs pass for rsync, and some of the files for its temporary ones
	retry   time.Duration // how long requests are tried again; 0 is not at all
	mounts  int           // of the bucket, between which the programs are divided; 0 is one
	disk    bool          // what is read is kept on the disk, too
}

// modelProfile is a profile scaled down so that a few hundred kB visit every turn
// of the grid: five parts of 24 kB, four of 48 kB, then segments of 96 kB.
func modelProfile(change ...func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part = objstore.PartLimits{Min: 24_000, Max: 1 << 30, Align: 1000, MaxCount: 100}
	p.MaxCopy = 96_000
	for _, c := range change {
		c(&p)
	}
	return p
}

func modelVariants() []variant {
	large := func(p *objstore.Profile) { p.MaxCopy = 1 << 30 }
	opaque := func(p *objstore.Profile) {
		p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
	}
	return []variant{
		{name: "back", profile: modelProfile()},
		{name: "back-large-copies", profile: modelProfile(large)},
		{name: "through", profile: modelProfile(), through: true},
		{name: "rsync", profile: modelProfile(), rsync: true},
		{name: "through-opaque", profile: modelProfile(large, opaque), through: true, disk: true},
	}
}

// faultVariants are the ways in which the store fails.
func faultVariants() []variant {
	opaque := func(p *objstore.Profile) {
		p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
	}
	return []variant{
		{name: "healed-back", profile: modelProfile(), faults: faultsHeal, retry: time.Minute},
		{name: "healed-through-opaque", profile: modelProfile(opaque), through: true, faults: faultsHeal, retry: time.Minute},
		{name: "healed-rsync", profile: modelProfile(), faults: faultsHeal, retry: time.Minute, rsync: true},
		{name: "back", profile: modelProfile(), faults: faultsStay, retry: 5 * time.Millisecond},
		{name: "through", profile: modelProfile(), through: true, faults: faultsStay},
	}
}

// TestModelWithFaults plays sequences while the store fails. Where requests are
// tried again until they succeed nobody notices. Elsewhere an answer of success
// is as good as ever, and what is in the store is always one whole content of the
// file.
func TestModelWithFaults(t *testing.T) {
	for _, v := range faultVariants() {
		t.Run(v.name, func(t *testing.T) { v.run(t) })
	}
}

// mount mounts the store with little memory.
func (v variant) mount(t testing.TB, store objstore.Store) *mounttest.Mount {
	if v.retry > 0 {
		store = retry.New(store, retry.Config{For: v.retry, Base: 50 * time.Microsecond, Cap: time.Millisecond})
	}
	return mounttest.New(t, store, mounttest.Options{
		Leftovers: v.faults == faultsStay,
		FS: func(c *fs.Config) {
			c.WriteThrough = v.through
			c.MetadataDelay, c.ParkTime = cmp.Or(v.delay, 20*time.Millisecond), 5*time.Millisecond
			c.AttrTTL, c.EntryTTL, c.NegativeTTL = v.ttl, v.ttl, v.ttl
		},
		Cache: func(c *cache.Config) {
			c.AttrTTL, c.DirTTL, c.NegativeTTL = v.ttl, v.ttl, v.ttl
			if v.disk {
				c.DiskDir, c.DiskSize, c.DiskName = t.TempDir(), 1<<30, "model"
			}
		},
		Uploader: func(c *uploader.Config) {
			c.Memory, c.Threshold, c.Concurrency = 512<<10, 40_000, 4
			c.Ladder = []uploader.Rung{{Size: 24_000, PerMille: 50}, {Size: 48_000, PerMille: 40}}
		},
	})
}

// sequence is the random sequence of a seed.
func (v variant) sequence(seed uint64) []operation {
	seq := generate(seed, v.faults)
	if v.rsync {
		for i := range seq {
			seq[i] = seq[i].underTemporaryNames()
		}
	}
	return seq
}

// trial is one sequence and what became of it.
type trial struct {
	name   string // of the folder
	seq    []operation
	err    error
	failed int // index of the operation, or len(seq)
}

// prefix is where the keys of the sequence are.
func (tr *trial) prefix() string { return "s" + tr.name + "/" }

// putAll stores the objects that are there from the beginning.
func (tr *trial) putAll(store objstore.Store) error {
	for _, o := range tr.seq {
		if o.what != "put" {
			continue
		}
		data := pattern(o.salt, o.n)
		body := objstore.Body{Reader: bytes.NewReader(data), Size: o.n, Digest: objstore.SumOf(store.Profile().Digest, data)}
		if _, err := store.Put(context.Background(), tr.prefix()+o.name, body, objstore.PutOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (v variant) run(t *testing.T) {
	switch {
	case *modelPlay != "":
		text, err := os.ReadFile(*modelPlay)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := parseSequence(string(text))
		if err != nil {
			t.Fatal(err)
		}
		v.must(t, []*trial{{name: "play", seq: seq}})
		return
	case *modelSeed != 0:
		v.must(t, []*trial{{name: fmt.Sprint(*modelSeed), seq: v.sequence(*modelSeed)}})
		return
	}
	switch v.faults {
	case noFaults:
		v.must(t, regressions(t, kept))
	case faultsHeal:
		v.must(t, regressions(t, keptFaults))
	case faultsStay:
		v.must(t, regressions(t, keptDoubts))
	}
	for first := *modelFirst; first < *modelFirst+*modelSeeds && !t.Failed(); first += mountSize {
		var trials []*trial
		for s := first; s < min(first+mountSize, *modelFirst+*modelSeeds); s++ {
			trials = append(trials, &trial{name: fmt.Sprint(s), seq: v.sequence(s)})
		}
		v.must(t, trials)
	}
}

// must plays sequences on one mount. Of those that fail it shows the first, as
// short as it can be made.
func (v variant) must(t testing.TB, trials []*trial) {
	t.Helper()
	err := v.play(t, trials)
	if err == nil {
		return
	}
	for _, tr := range trials {
		if tr.err == nil {
			continue
		}
		t.Errorf("sequence %s: %v\n%s", tr.name, tr.err, formatSequence(tr.seq[:min(tr.failed+1, len(tr.seq))]))
		v.shrink(t, tr)
		return
	}
	t.Error(err)
	for _, tr := range trials {
		if v.alone(t, tr.seq) != nil {
			v.shrink(t, tr)
			return
		}
	}
}

// play plays sequences on one mount, several at once. Whether the mount as a
// whole left things in order is part of the answer.
func (v variant) play(t testing.TB, trials []*trial) error {
	store := mem.New(v.profile)
	return attempt(t, func(t testing.TB) {
		for _, tr := range trials {
			if err := tr.putAll(store); err != nil {
				t.Fatal(err)
			}
		}
		faulty := fault.New(store)
		m := v.mount(t, faulty)
		watch := time.AfterFunc(stuck, func() {
			buf := make([]byte, 16<<20)
			panic(fmt.Sprintf("the mount hangs:\n%s", buf[:runtime.Stack(buf, true)]))
		})
		t.Cleanup(func() { watch.Stop() })
		left := make(chan *trial)
		var workers sync.WaitGroup
		parallel := 4
		if v.faults != noFaults {
			parallel = 1 // whom a fault meets must be known
		}
		for range min(parallel, len(trials)) {
			workers.Go(func() {
				if v.rsync {
					asRsync()
				}
				for tr := range left {
					c := &checked{mount: m, store: store, faults: faulty, prefix: tr.prefix()}
					if v.faults == faultsStay {
						tr.failed, tr.err = (&doubted{checked: c, through: v.through}).play(tr.seq)
					} else {
						tr.failed, tr.err = c.play(tr.seq)
					}
					faulty.Clear()
				}
			})
		}
		for _, tr := range trials {
			left <- tr
		}
		close(left)
		workers.Wait()
		for _, tr := range trials {
			if tr.err != nil {
				t.Errorf("sequence %s: %v", tr.name, tr.err)
			}
		}
		m.Unmount()
		if v.faults == faultsStay {
			return // nobody can tidy up in a store that refuses it
		}
		for _, key := range store.Keys() {
			if strings.HasPrefix(key, ".sluicefs/") {
				t.Errorf("the mount left object %q", key)
			}
		}
	})
}

// stuck is when a mount is taken for hanging: far more than what it takes to
// play all its sequences.
const stuck = 4 * time.Minute
