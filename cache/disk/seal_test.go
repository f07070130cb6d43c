package disk

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/crc64nvme"
)

// fileOf waits until an object is handed out as a file.
func fileOf(t *testing.T, o *Object) (f *File) {
	t.Helper()
	eventually(t, "all of it is there and on the disk", func() (ok bool) {
		f, ok = o.File()
		return ok
	})
	t.Cleanup(func() { f.Close() })
	return f
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("it did not happen that %s", what)
		}
	}
}

// unseal takes the seals away that a tier may have come to set.
func unseal(t *testing.T, tier *Tier) {
	t.Helper()
	for _, f := range files(t, tier, "seal") {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// sealedIn is a directory with one object that was sealed, and the tier that did it, closed.
func sealedIn(t *testing.T, content []byte) (dir string, tier *Tier) {
	t.Helper()
	dir = t.TempDir()
	tier = newTier(t, Config{Dir: dir})
	o := tier.Object("k", "e", int64(len(content)))
	keep(t, o, content)
	fileOf(t, o)
	o.Close()
	tier.Close() // waits for the seal to be written
	return dir, tier
}

// TestTheSealOutlivesTheTier hands out what another one has proved, before anything is read.
func TestTheSealOutlivesTheTier(t *testing.T) {
	content := noise(3*testBlock+5, 1)
	dir, _ := sealedIn(t, content)
	tier := newTier(t, Config{Dir: dir})
	o := tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	f, ok := o.File()
	if !ok {
		t.Fatal("no file")
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) || !f.Sound() {
		t.Errorf("%d bytes, sound is %v, %v", len(got), f.Sound(), err)
	}
	want := Sums{crc64nvme.Checksum(content), crc32.Checksum(content, castagnoli)}
	if f.Sums != want {
		t.Errorf("its sums are %v, want %v", f.Sums, want)
	}
}

// flip changes a byte of a file.
func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// TestASealIsOfWhatIsThere has seals that are about something else, or damaged.
func TestASealIsOfWhatIsThere(t *testing.T) {
	content := noise(3*testBlock, 1)
	for name, change := range map[string]func(tier *Tier, data, seal string) error{
		"data written": func(_ *Tier, data, _ string) error {
			return overwrite(data, testBlock+9, []byte{content[testBlock+9] + 1})
		},
		"another boot": func(tier *Tier, _, _ string) error { tier.boot[3]++; return nil },
		"no boot":      func(tier *Tier, _, _ string) error { tier.boot = boot{}; return nil },
		"seal cut":     func(_ *Tier, _, seal string) error { return os.Truncate(seal, 20) },
		"seal empty":   func(_ *Tier, _, seal string) error { return os.Truncate(seal, 0) },
		"seal damaged": func(_ *Tier, _, seal string) error { return flip(seal, 40) },
		"seal longer":  func(_ *Tier, _, seal string) error { return overwrite(seal, 200, []byte("x")) },
		"no seal":      func(_ *Tier, _, seal string) error { return os.Remove(seal) },
		"data made anew": func(_ *Tier, data, _ string) error {
			return errors.Join(os.Remove(data), os.WriteFile(data, make([]byte, len(content)), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, first := sealedIn(t, content)
			tier := newTier(t, Config{Dir: dir})
			if err := change(tier, files(t, first, "data")[0], files(t, first, "seal")[0]); err != nil {
				t.Fatal(err)
			}
			o := tier.Object("k", "e", int64(len(content)))
			if _, ok := o.File(); ok {
				t.Error("it is believed")
			}
			read(t, o, content)
			keep(t, o, content)
			if n := read(t, o, content); n != 3 {
				t.Errorf("%d blocks after they were fetched again", n)
			}
			fileOf(t, o)
			o.Close()
			tier.Close()
			if name == "no boot" {
				return
			}
			next := newTier(t, Config{Dir: dir})
			next.boot = tier.boot
			o = next.Object("k", "e", int64(len(content)))
			if f, ok := o.File(); !ok {
				t.Error("the new seal is not believed")
			} else {
				f.Close()
			}
		})
	}
}

// TestASealOfAnotherSegmentIsNotBelieved has an evicted segment's seal come late.
func TestASealOfAnotherSegmentIsNotBelieved(t *testing.T) {
	content := noise(3*testBlock, 1)
	dir, tier := sealedIn(t, content)
	path := files(t, tier, "seal")[0]
	seal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tier = newTier(t, Config{Dir: dir})
	o := tier.Object("k", "e", int64(len(content)))
	o.Remove()
	o.Close()
	o = tier.Object("k", "e", int64(len(content)))
	keep(t, o, content[:testBlock])
	o.Close()
	tier.Close()
	if err := os.WriteFile(path, seal, 0o600); err != nil {
		t.Fatal(err)
	}
	tier = newTier(t, Config{Dir: dir})
	o = tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	if _, ok := o.File(); ok {
		t.Error("it is believed")
	}
}

// TestWhatWasWrittenToIsProvedAnew spoils what was sealed, under the tier.
func TestWhatWasWrittenToIsProvedAnew(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	o := tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	keep(t, o, content)
	f := fileOf(t, o)
	if !f.Sound() {
		t.Error("it is not sound")
	}
	if err := overwrite(files(t, tier, "data")[0], 7, []byte{content[7] + 1}); err != nil {
		t.Fatal(err)
	}
	if f.Sound() {
		t.Error("it is sound")
	}
	if _, ok := o.File(); ok {
		t.Error("it is handed out all the same")
	}
	if n := read(t, o, content); n != 4 {
		t.Errorf("%d blocks are right", n)
	}
	if _, ok := o.File(); ok {
		t.Error("it is handed out with a block that is wrong")
	}
	keep(t, o, content)
	want(t, fileOf(t, o), content)
}

// TestWhatAnotherMountHasWrittenIsProved offers blocks that are there already.
func TestWhatAnotherMountHasWrittenIsProved(t *testing.T) {
	content := noise(5*testBlock, 1)
	dir := t.TempDir()
	first, second := newTier(t, Config{Dir: dir}), newTier(t, Config{Dir: dir})
	o := first.Object("k", "e", int64(len(content)))
	defer o.Close()
	keep(t, o, content)
	if err := spoil(first, content, testBlock); err != nil {
		t.Fatal(err)
	}
	same := second.Object("k", "e", int64(len(content)))
	defer same.Close()
	keep(t, same, content)
	want(t, fileOf(t, same), content)
	if n := second.Stats().Written; n != testBlock {
		t.Errorf("%d bytes were written again", n)
	}
}

// spoil changes a byte of the data.
func spoil(tier *Tier, content []byte, at int) error {
	data, err := filepath.Glob(filepath.Join(tier.root, "??", "*", "data"))
	if err != nil || len(data) != 1 {
		return errors.Join(err, fmt.Errorf("%d files", len(data)))
	}
	return overwrite(data[0], int64(at), []byte{content[at] ^ 1})
}

func want(t *testing.T, f *File, content []byte) {
	t.Helper()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, which are not those of the object, %v", len(got), err)
	}
}

// TestWhatIsSealedIsRight has something happen to the data after its blocks were proved, and
// before or while it is brought to the disk.
func TestWhatIsSealedIsRight(t *testing.T) {
	content := noise(5*testBlock, 1)
	for name, between := range map[string]func(t *testing.T, tier *Tier, o *Object) error{
		"it is written to": func(_ *testing.T, tier *Tier, _ *Object) error { return spoil(tier, content, 7) },
		"it is written to, and that is noticed": func(t *testing.T, tier *Tier, o *Object) error {
			err := spoil(tier, content, 7)
			read(t, o, content)
			return err
		},
		"it is written to, and mended": func(t *testing.T, tier *Tier, o *Object) error {
			err := spoil(tier, content, 7)
			read(t, o, content)
			keep(t, o, content)
			return err
		},
	} {
		for _, synced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, synced %v", name, synced), func(t *testing.T) {
				tier := newTier(t, Config{})
				o := tier.Object("k", "e", int64(len(content)))
				defer o.Close()
				syncs, stopped, on := 0, make(chan struct{}), make(chan struct{})
				tier.settle = func(f *os.File, stop <-chan struct{}) (err error) {
					if synced {
						err = settle(f, stop)
					}
					if syncs++; syncs == 1 {
						close(stopped)
						<-on
					}
					if !synced {
						err = settle(f, stop)
					}
					return err
				}
				keep(t, o, content)
				<-stopped
				if err := between(t, tier, o); err != nil {
					t.Error(err)
				}
				if _, ok := o.File(); ok {
					t.Error("it is handed out before it is synced")
				}
				close(on)
				eventually(t, "it is right", func() bool {
					f, ok := o.File()
					if !ok {
						read(t, o, content)
						keep(t, o, content)
						return false
					}
					want(t, f, content)
					return f.Close() == nil
				})
			})
		}
	}
}

// TestProofsAreHeldAgainstTheDisk changes the data while no file is open.
func TestProofsAreHeldAgainstTheDisk(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	o := tier.Object("k", "e", int64(len(content)))
	keep(t, o, content[:4*testBlock])
	o.Close()
	if err := spoil(tier, content, 7); err != nil {
		t.Fatal(err)
	}
	o = tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	done := make(chan struct{})
	o.Keep(4, content[4*testBlock:], func() { close(done) })
	<-done
	eventually(t, "it is found damaged", func() bool {
		if f, ok := o.File(); ok {
			t.Fatalf("it is handed out, %v", f.Close())
		}
		return tier.Stats().Damaged == 1
	})
}

// TestWhatTheDiskDoesNotTakeIsThrownAway has the disk fail after it had said yes.
func TestWhatTheDiskDoesNotTakeIsThrownAway(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	syncs := 0
	tier.settle = func(f *os.File, stop <-chan struct{}) error {
		if syncs++; syncs > 1 {
			return settle(f, stop) // the kernel tells of it once
		}
		return errors.New("no")
	}
	o := tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	keep(t, o, content)
	eventually(t, "it is thrown away", func() bool { return len(files(t, tier, "data")) == 0 })
	for range 3 {
		if n := read(t, o, content); n != 5 { // from the files that have no name any more
			t.Errorf("%d blocks", n)
		}
		if _, ok := o.File(); ok {
			t.Error("it is handed out")
		}
	}
	keep(t, o, content) // made anew
	want(t, fileOf(t, o), content)
}

// TestAClosedFileIsKnown: it is not the disk that has failed.
func TestAClosedFileIsKnown(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := stampOf(f); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := flushRange(f, 0, 1); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// TestOnlyWhatFailedIsThrownAway has the segment made anew while it is synced.
func TestOnlyWhatFailedIsThrownAway(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	o := tier.Object("k", "e", int64(len(content)))
	first := true
	failed := make(chan struct{})
	tier.settle = func(f *os.File, stop <-chan struct{}) error {
		if !first {
			return settle(f, stop)
		}
		first = false
		if err := tier.discard(o.first().name); err != nil {
			t.Error(err)
		}
		keep(t, o, content[:testBlock])
		close(failed)
		return errors.New("no")
	}
	keep(t, o, content)
	<-failed
	keep(t, o, content)
	want(t, fileOf(t, o), content)
	o.Close()
}

// TestWhatHasNoNameIsNotSyncedAgainAndAgain reads a segment that was evicted.
func TestWhatHasNoNameIsNotSyncedAgainAndAgain(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	o := tier.Object("k", "e", int64(len(content)))
	defer o.Close()
	syncs, stopped, on := 0, make(chan struct{}), make(chan struct{})
	tier.settle = func(f *os.File, stop <-chan struct{}) error {
		if syncs++; syncs > 1 {
			t.Error("it is synced again")
			return nil
		}
		close(stopped)
		<-on
		return settle(f, stop)
	}
	keep(t, o, content)
	<-stopped
	if err := tier.discard(o.first().name); err != nil { // as the sweep of any mount does
		t.Fatal(err)
	}
	close(on)
	eventually(t, "it is lost", func() bool {
		read(t, o, content)
		p := o.first().open.proof
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.state == lost
	})
	read(t, o, content)
}

// TestSmallObjectsAreNoFiles: each would have to be brought to the disk by itself.
func TestSmallObjectsAreNoFiles(t *testing.T) {
	content := noise(2*testBlock-1, 1)
	tier := newTier(t, Config{})
	tier.settle = func(*os.File, <-chan struct{}) error { t.Error("a small object is sealed"); return nil }
	o := tier.Object("k", "e", int64(len(content)))
	keep(t, o, content)
	if n := read(t, o, content); n != 2 {
		t.Errorf("%d blocks", n)
	}
	if _, ok := o.File(); ok {
		t.Error("a small object is a file")
	}
	o.Close()
	tier.Close()
}
