package disk

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

const perSegment = segmentSize / testBlock

// unswept is a size of which no test here writes so much that the sweeper wakes, who uses the files
// that he looks at.
const unswept = 4 << 30

// keepIn offers a block, as the first one of a segment, and waits until it was written.
func keepIn(o *Object, segment int64, block []byte) {
	done := make(chan struct{})
	o.Keep(segment*perSegment, block, func() { close(done) })
	<-done
}

// openIn tells how many files of a directory this process has open, and how many of these have
// no name any more.
func openIn(t *testing.T, dir string) (all, removed int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name()))
		if err != nil || !strings.HasPrefix(to, dir+"/") || strings.HasSuffix(to, "/lock") {
			continue
		}
		all++
		if strings.HasSuffix(to, " (deleted)") {
			removed++
		}
	}
	return all, removed
}

// TestWhatIsEvictedGivesItsSpaceBack reads a large object that stays open.
func TestWhatIsEvictedGivesItsSpaceBack(t *testing.T) {
	dir := t.TempDir()
	tier := newTier(t, Config{Dir: dir, Size: MinSize})
	const segments = 24
	content := noise(testBlock, 1)
	o := tier.Object("large", "e", segments*segmentSize)
	defer o.Close()
	for i := range int64(segments) {
		keepIn(o, i, content)
		clockWas(t, tier, -time.Hour)
		if err := tier.sweep(); err != nil {
			t.Fatal(err)
		}
		if _, removed := openIn(t, dir); removed != 0 {
			t.Fatalf("%d files that were removed are open after %d segments", removed, i+1)
		}
	}
	if tier.Stats().Evicted == 0 {
		t.Error("nothing was evicted")
	}
	keepIn(o, 0, content)
	p := make([]byte, testBlock)
	if err := o.Read(0, p); err != nil {
		t.Errorf("a segment that was evicted is not made anew: %v", err)
	}
}

// TestWhatOthersEvictGivesItsSpaceBack has a reader that writes nothing, and so never sweeps.
func TestWhatOthersEvictGivesItsSpaceBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tier := newTier(t, Config{Dir: dir})
		small, large := tier.Object("small", "e", testBlock), tier.Object("large", "e", 3*segmentSize)
		defer small.Close()
		defer large.Close()
		keepIn(small, 0, noise(testBlock, 1))
		for i := range int64(3) {
			keepIn(large, i, noise(testBlock, 1))
		}
		for _, name := range []string{small.name(0), large.name(0), large.name(2)} {
			if err := tier.discard(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, removed := openIn(t, dir); removed != 6 {
			t.Fatalf("%d files that were removed are open, want two for each segment", removed)
		}
		time.Sleep(touchEvery) // of the bubble's clock
		synctest.Wait()
		if all, removed := openIn(t, dir); all != 2 || removed != 0 {
			t.Errorf("%d files are open, and %d of them were removed", all, removed)
		}
		tier.Close()
	})
}

// TestTheDirectoryIsMadeAnew has somebody remove it under two mounts.
func TestTheDirectoryIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	tiers := []*Tier{newTier(t, Config{Dir: dir}), newTier(t, Config{Dir: dir})}
	content := noise(testBlock, 1)
	keepSome := func(tier *Tier) bool {
		o := tier.Object("k", "e", testBlock)
		defer o.Close()
		keepIn(o, 0, content)
		return read(t, o, content) == 1
	}
	for _, tier := range tiers {
		keepSome(tier)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, tier := range tiers {
		eventually(t, "blocks are kept again", func() bool { return keepSome(tier) })
	}
	for _, tier := range tiers {
		if err := tier.sweep(); err != nil {
			t.Error(err)
		}
	}
	if !tryLock(tiers[0].lock) || tryLock(tiers[1].lock) {
		t.Error("the mounts do not lock each other out")
	}
	if _, removed := openIn(t, dir); removed != 0 {
		t.Errorf("%d files that were removed are open", removed)
	}
}

// TestALargeObjectHasFewFilesOpen passes through more segments than may be open.
func TestALargeObjectHasFewFilesOpen(t *testing.T) {
	dir := t.TempDir()
	tier := newTier(t, Config{Dir: dir, Size: unswept})
	const segments = maxOpen + 4
	content := noise(testBlock, 1)
	o := tier.Object("large", "e", segments*segmentSize)
	for i := range int64(segments) {
		keepIn(o, i, content)
	}
	if n, _ := openIn(t, dir); n != 2*maxOpen {
		t.Errorf("%d files are open after %d segments were written, want %d", n, segments, 2*maxOpen)
	}
	p := make([]byte, testBlock)
	for i := range int64(segments) {
		if err := o.Read(i*perSegment, p); err != nil {
			t.Errorf("segment %d: %v", i, err)
		}
	}
	if n, _ := openIn(t, dir); n != 2*maxOpen {
		t.Errorf("%d files are open after %d segments were read, want %d", n, segments, 2*maxOpen)
	}
	for _, s := range o.withFiles() {
		s.used.Store(int64(tier.clock() - 2*touchEvery))
	}
	if err := o.Read(0, p); err != nil { // which is not open
		t.Error(err)
	}
	if n, _ := openIn(t, dir); n != 2 {
		t.Errorf("%d files are open where one segment was used lately", n)
	}
	o.Close()
	if n, _ := openIn(t, dir); n != 0 || len(tier.withFiles()) != 0 {
		t.Errorf("%d files are open of an object that is closed, and %d objects", n, len(tier.withFiles()))
	}
}

// complaints fails a test when something is logged.
type complaints struct{ t *testing.T }

func (c complaints) Write(p []byte) (int, error) {
	c.t.Errorf("it is logged: %s", p)
	return len(p), nil
}

// TestNobodyFindsTheFilesClosed closes and removes segments that are read and written.
func TestNobodyFindsTheFilesClosed(t *testing.T) {
	log := logrus.New()
	log.SetOutput(complaints{t})
	dir := t.TempDir()
	tier := newTier(t, Config{Dir: dir, Size: unswept, Log: logrus.NewEntry(log)})
	const segments = 3
	content := noise(testBlock, 1)
	o := tier.Object("large", "e", segments*segmentSize)
	over := make(chan struct{})
	var closer, users sync.WaitGroup
	closer.Go(func() {
		for i := int64(0); ; i++ {
			select {
			case <-over:
				return
			default:
			}
			s, _ := o.at(i % segments * perSegment)
			if i%16 == 0 {
				tier.writing.Lock()      // the sweep spares what was just made
				_ = tier.discard(s.name) // it may not be there
				tier.writing.Unlock()
				tier.closeRemoved()
			}
			s.close()
		}
	})
	for range 2 {
		users.Go(func() {
			p := make([]byte, testBlock)
			for i := range int64(200) {
				keepIn(o, i%segments, content)
				if err := o.Read(i%segments*perSegment, p); err == nil && string(p) != string(content) {
					t.Error("it is another block")
				}
				o.Present(0, segments*perSegment)
			}
		})
	}
	users.Wait()
	close(over)
	closer.Wait()
	o.Close()
	if s := tier.Stats(); s.Damaged != 0 || s.Dropped != 0 {
		t.Errorf("%+v: all of it is right, and there is room", s)
	}
	if n, _ := openIn(t, dir); n != 0 {
		t.Errorf("%d files stay open", n)
	}
}
