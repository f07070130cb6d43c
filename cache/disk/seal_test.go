package disk

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"
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

func vouch(t *testing.T, o *Object) {
	t.Helper()
	o.Vouch()
	eventually(t, "it is vouched for", o.Vouched)
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
func sealedIn(t *testing.T, content []byte, vouched bool) (dir string, tier *Tier) {
	t.Helper()
	dir = t.TempDir()
	tier = newTier(t, Config{Dir: dir})
	o := tier.Object("k", "e", int64(len(content)))
	keep(t, o, content)
	if vouched {
		vouch(t, o)
	}
	fileOf(t, o)
	o.Close()
	tier.Close() // waits for the seal to be written
	return dir, tier
}

// TestTheSealOutlivesTheTier hands out what another one has proved, before anything is read.
func TestTheSealOutlivesTheTier(t *testing.T) {
	content := noise(3*testBlock+5, 1)
	for _, vouched := range []bool{false, true} {
		dir, _ := sealedIn(t, content, vouched)
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
		if o.Vouched() != vouched {
			t.Errorf("vouched is %v", o.Vouched())
		}
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
			dir, first := sealedIn(t, content, false)
			tier := newTier(t, Config{Dir: dir})
			if err := change(tier, files(t, first, "data")[0], files(t, first, "seal")[0]); err != nil {
				t.Fatal(err)
			}
			o := tier.Object("k", "e", int64(len(content)))
			defer o.Close()
			if _, ok := o.File(); ok {
				t.Error("it is believed")
			}
			read(t, o, content)
			keep(t, o, content)
			if n := read(t, o, content); n != 3 {
				t.Errorf("%d blocks after they were fetched again", n)
			}
			fileOf(t, o)
		})
	}
}

// TestASealOfAnotherSegmentIsNotBelieved has an evicted segment's seal come late.
func TestASealOfAnotherSegmentIsNotBelieved(t *testing.T) {
	content := noise(3*testBlock, 1)
	dir, tier := sealedIn(t, content, false)
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
	vouch(t, o)
	f := fileOf(t, o)
	if !f.Sound() || !o.Vouched() {
		t.Error("it is not sound")
	}
	if err := overwrite(files(t, tier, "data")[0], 7, []byte{content[7] + 1}); err != nil {
		t.Fatal(err)
	}
	if f.Sound() {
		t.Error("it is sound")
	}
	if _, ok := o.File(); ok || o.Vouched() {
		t.Error("it is handed out all the same")
	}
	if n := read(t, o, content); n != 4 {
		t.Errorf("%d blocks are right", n)
	}
	if _, ok := o.File(); ok {
		t.Error("it is handed out with a block that is wrong")
	}
	keep(t, o, content)
	if got, err := io.ReadAll(fileOf(t, o)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestWhatAnotherMountHasWrittenIsProved offers blocks that are there already.
func TestWhatAnotherMountHasWrittenIsProved(t *testing.T) {
	content := noise(5*testBlock, 1)
	dir := t.TempDir()
	first, second := newTier(t, Config{Dir: dir}), newTier(t, Config{Dir: dir})
	o := first.Object("k", "e", int64(len(content)))
	defer o.Close()
	keep(t, o, content)
	if err := overwrite(files(t, first, "data")[0], testBlock, []byte{content[testBlock] + 1}); err != nil {
		t.Fatal(err)
	}
	same := second.Object("k", "e", int64(len(content)))
	defer same.Close()
	keep(t, same, content)
	if got, err := io.ReadAll(fileOf(t, same)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if n := second.Stats().Written; n != testBlock {
		t.Errorf("%d bytes were written again", n)
	}
}

// TestWhatIsOfferedBeforeIsVouchedFor has the blocks wait while the reader is through.
func TestWhatIsOfferedBeforeIsVouchedFor(t *testing.T) {
	content := noise(5*testBlock, 1)
	for missing := range 2 {
		tier := newTier(t, Config{})
		o := tier.Object("k", "e", int64(len(content)))
		defer o.Close()
		tier.writing.Lock()
		for i := missing; i < 5; i++ {
			o.Keep(int64(i), content[i*testBlock:(i+1)*testBlock], func() {})
		}
		o.Vouch()
		tier.writing.Unlock()
		keep(t, o, content) // has waited for all of it
		if o.Vouched() != (missing == 0) {
			t.Errorf("vouched is %v, with %d blocks missing", o.Vouched(), missing)
		}
	}
}

// TestWhatTheDiskDoesNotTakeIsThrownAway has the disk fail after it had said yes.
func TestWhatTheDiskDoesNotTakeIsThrownAway(t *testing.T) {
	content := noise(5*testBlock, 1)
	tier := newTier(t, Config{})
	failed := make(chan struct{})
	tier.settle = func(*os.File) error { close(failed); return errors.New("no") }
	o := tier.Object("k", "e", int64(len(content)))
	keep(t, o, content)
	<-failed
	o.Close()
	tier.Close()
	if left := files(t, tier, "data"); len(left) != 0 {
		t.Errorf("%v is there", left)
	}
}

// TestSmallObjectsAreNoFiles: each would have to be brought to the disk by itself.
func TestSmallObjectsAreNoFiles(t *testing.T) {
	content := noise(2*testBlock-1, 1)
	tier := newTier(t, Config{})
	tier.settle = func(*os.File) error { t.Error("a small object is sealed"); return nil }
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
