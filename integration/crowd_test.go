//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestCrowd has several programs do everything to the same few names at once, some of
// them on another mount. None may get an error that the others do not explain, nobody may
// read bytes that were never written there, and in the end each mount must show what the
// store has.
func TestCrowd(t *testing.T) {
	profile := modelProfile(func(p *objstore.Profile) { p.MaxCopy = 1 << 30 }) // R4 has an exception for what is larger
	for _, v := range []variant{
		{name: "back", profile: profile},
		{name: "through", profile: profile, through: true},
		{name: "trusting", profile: profile, ttl: time.Minute},
		{name: "distrustful", profile: profile, ttl: -1, delay: time.Millisecond},
		{name: "healed", profile: profile, retry: time.Minute, faults: faultsHeal},
		{name: "divided", profile: profile, mounts: 2},
		{name: "divided-healed", profile: profile, mounts: 2, retry: time.Minute, faults: faultsHeal},
		{name: "divided-through", profile: profile, mounts: 2, through: true},
		{name: "failing", profile: profile, retry: time.Millisecond, faults: faultsStay},
	} {
		t.Run(v.name, func(t *testing.T) {
			seeds := *modelSeeds / 50
			if v.waits() {
				seeds = max(1, *modelSeeds/500)
			}
			eachSeed(t, seeds, v.crowd)
		})
	}
}

// eachSeed plays so many seeds until one fails. Each is a test of its own, which lets go
// of its store at its end.
func eachSeed(t *testing.T, seeds uint64, play func(t *testing.T, seed uint64)) {
	first := *modelFirst
	if *modelSeed != 0 {
		first, seeds = *modelSeed, 1
	}
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, seed) })
	}
}

// waits reports that what was done is seen later: by another mount, or where it was done
// although it failed.
func (v variant) waits() bool { return v.faults == faultsStay || v.mounts > 1 }

// crowdSize is how many programs there are, and crowdSteps how much each does.
const (
	crowdSize  = 4
	crowdSteps = 60
)

// crowd plays one seed on a mount of its own. What it does in which order is not
// determined by the seed: it is another one each time.
func (v variant) crowd(t *testing.T, seed uint64) {
	store := fault.New(mem.New(v.profile))
	mounts := make([]*mounttest.Mount, max(1, v.mounts))
	for i := range mounts {
		mounts[i] = v.mount(t, store)
		defer mounts[i].Unmount()
	}
	var members sync.WaitGroup
	seen := &diary{}
	crowd := make([]*member, crowdSize)
	for i := range crowd {
		crowd[i] = &member{
			mount: mounts[i%len(mounts)], r: rand.New(rand.NewPCG(seed, uint64(i))), number: i, diary: seen,
			// What is there after an answer was lost may be the other mount's, and tells nothing.
			failing: v.faults == faultsStay || v.faults != noFaults && len(mounts) > 1,
			divided: len(mounts) > 1,
		}
		members.Go(crowd[i].play)
	}
	if v.faults != noFaults {
		v.disturb(store, seed)
	}
	members.Wait()
	store.Clear()
	for _, c := range crowd {
		if c.err != nil {
			t.Errorf("seed %d, program %d: %v", seed, c.number, c.err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(seen.entries, "\n"))
		}
	}()
	if t.Failed() {
		return
	}
	for _, m := range mounts {
		err := m.FS.Sync(context.Background())
		if len(mounts) > 1 && (errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrNotFound)) {
			continue // the other one changed it
		}
		if err != nil && v.faults != faultsStay {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	fresh := v.mount(t, store)
	defer fresh.Unmount()
	want, err := shown(fresh.Dir)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	compare := func() error {
		for i, m := range mounts {
			got, err := shown(m.Dir)
			if err != nil || !maps.Equal(got, want) {
				return fmt.Errorf("mount %d shows\n%v\n(%w) and a new one\n%v", i, got, err, want)
			}
		}
		return nil
	}
	if v.waits() {
		err = comesToBe(compare)
	} else {
		err = compare()
	}
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// disturb lets the store fail now and then, spread over what is asked of it.
func (v variant) disturb(store *fault.Store, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 99))
	for range 20 {
		rule := passingFault(r)
		if v.faults == faultsStay {
			rule.Times = 5 + r.IntN(20)
		}
		rule.After = r.IntN(50)
		store.Add(rule)
	}
}

// shown is what there is below a folder, and a few words about each.
func shown(dir string) (map[string]string, error) {
	all := map[string]string{}
	return all, filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		about := fmt.Sprint(info.Mode())
		if attributes, err := xattrsOf(path); err == nil && len(attributes) > 0 {
			about += fmt.Sprint(", ", attributes)
		}
		if !d.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			about += fmt.Sprintf(", %d bytes as %x", info.Size(), data[:min(len(data), recordSize)])
			if int64(len(data)) != info.Size() {
				return fmt.Errorf("%s: %d bytes, of which stat says %d", path, len(data), info.Size())
			}
			if err := genuine(data, 0); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		all[strings.TrimPrefix(path, dir)] = about
		return nil
	})
}

// A file of the crowd consists of records. Each says where it is; one that nobody has
// written is zeros.
const recordSize = 16

func records(writer, from, n int) []byte {
	b := make([]byte, 0, n*recordSize)
	for i := range n {
		b = binary.BigEndian.AppendUint64(b, uint64(writer)+1)
		b = binary.BigEndian.AppendUint64(b, uint64(from+i))
	}
	return b
}

// genuine reports bytes that nobody can have written at an offset, which is one of
// a record. The last record may be cut.
func genuine(b []byte, off int) error {
	for at := 0; at < len(b); at += recordSize {
		got := b[at:min(at+recordSize, len(b))]
		if bytes.Count(got, []byte{0}) == len(got) {
			continue
		}
		writer := binary.BigEndian.Uint64(append(bytes.Clone(got), make([]byte, recordSize)...))
		want := records(int(writer)-1, (off+at)/recordSize, 1)
		if writer > crowdSize || !bytes.HasPrefix(want, got) {
			return fmt.Errorf("%x at %d", got, off+at)
		}
	}
	return nil
}

// member is one program of the crowd.
type member struct {
	mount   *mounttest.Mount
	r       *rand.Rand
	number  int
	diary   *diary
	failing bool // the store is
	divided bool // the others use another mount
	err     error
}

// diary is what all of them did, until one of them failed.
type diary struct {
	mu      sync.Mutex
	entries []string
	closed  bool
}

func (d *diary) note(number int, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.entries = append(d.entries, fmt.Sprintf("%d: %s", number, fmt.Sprintf(format, args...)))
	}
}

func (d *diary) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

var (
	crowdFiles = []string{"a", "b", "d/a", "d/b", "d/s/a", "d/t/a", "e/a"}
	crowdDirs  = []string{"d", "e", "d/s", "d/t", "e/s"}
)

func (c *member) play() {
	for range crowdSteps {
		if err := c.step(); !c.explained(err) {
			c.err = err
			c.diary.close()
			return
		}
	}
}

// explained reports that an error may come of what the others did, or of the store.
func (c *member) explained(err error) bool {
	if err == nil || c.failing && (errors.Is(err, unix.EIO) || errors.Is(err, unix.ESTALE)) {
		return true // ESTALE where the answer to what this mount stored itself was lost
	}
	if c.divided && (errors.Is(err, unix.ESTALE) || errors.Is(err, unix.EBUSY)) {
		return true
	}
	// The kernel looks a name up once more if the file was gone when it came to open it.
	// If it is gone again, it gives up.
	of, isPath := errors.AsType[*os.PathError](err)
	_, isLink := errors.AsType[*os.LinkError](err)
	if errors.Is(err, unix.ESTALE) && (isLink || isPath && slices.Contains([]string{"open", "truncate", "chmod"}, of.Op)) {
		return true
	}
	for _, errno := range []error{
		unix.ENOENT, unix.EEXIST, unix.ENOTEMPTY, unix.ENOTDIR, unix.EISDIR,
		unix.EINVAL, // a directory that was to be moved below itself
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (c *member) file() string { return crowdFiles[c.r.IntN(len(crowdFiles))] }
func (c *member) dir() string  { return crowdDirs[c.r.IntN(len(crowdDirs))] }
func (c *member) at(name string) string {
	return filepath.Join(c.mount.Dir, name)
}

// step does one thing.
func (c *member) step() (err error) {
	what, do := c.choice()
	c.diary.note(c.number, "%s", what)
	if err = do(); err != nil {
		err = fmt.Errorf("%s: %w", what, err)
		c.diary.note(c.number, "%v", err)
	} else {
		c.diary.note(c.number, "did %s", what)
	}
	return err
}

// choice is what is done next.
func (c *member) choice() (what string, do func() error) {
	name, to := c.file(), c.file()
	dir, toDir := c.dir(), c.dir()
	n := c.size()
	switch c.r.IntN(20) {
	case 0:
		return fmt.Sprintf("replace %s by %d records", name, n), func() error { return c.replace(name, n) }
	case 1:
		return fmt.Sprintf("write %s, %d records", name, n), func() error { return c.write(name, n) }
	case 2:
		return "patch " + name, func() error { return c.patch(name) }
	case 3:
		return fmt.Sprintf("truncate %s to %d records", name, n), func() error { return os.Truncate(c.at(name), int64(n*recordSize)) }
	case 4:
		return "read " + name, func() error { return c.read(name) }
	case 5:
		return "unlink " + name, func() error { return unix.Unlink(c.at(name)) }
	case 6:
		return "rename " + name + " to " + to, func() error { return os.Rename(c.at(name), c.at(to)) }
	case 7, 8:
		return "mkdir " + dir, func() error { return os.Mkdir(c.at(dir), 0o755) }
	case 9:
		return "rmdir " + dir, func() error { return unix.Rmdir(c.at(dir)) }
	case 10:
		return "rename " + dir + " to " + toDir, func() error { return c.renameDir(dir, toDir) }
	case 11:
		return "walk", c.walk
	case 12:
		return "chmod " + dir, func() error { return os.Chmod(c.at(dir), 0o700|os.FileMode(n&0o77)) }
	case 13:
		return "fsync " + dir, func() error { return c.syncDir(dir) }
	case 14:
		return "setxattr " + name, func() error { return unix.Setxattr(c.at(name), "user.a", fmt.Append(nil, n), 0) }
	case 15:
		return "make " + name, func() error { return c.make(name) }
	case 16:
		when := time.Unix(int64(n), 0)
		return "utimens " + name, func() error { return os.Chtimes(c.at(name), when, when) }
	case 17:
		return fmt.Sprintf("copy %s to %s", name, to), func() error { return c.copy(name, to) }
	case 18:
		mode := os.FileMode(0o600 + c.r.IntN(0o100))
		return "chmod " + name, func() error { return os.Chmod(c.at(name), mode) }
	default:
		return "use " + name + " when it is gone", func() error { return c.useGone(name) }
	}
}

func (c *member) size() int { return c.r.IntN(100_000) / recordSize >> c.r.IntN(8) }

// write gives a file another content in place. It does not use O_TRUNC: if that comes
// with the O_CREAT that makes the file, the kernel, with its write-back cache, takes the
// size to be 0 when others may have written to the file already, and tells nobody.
func (c *member) write(name string, n int) error {
	f, err := os.OpenFile(c.at(name), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.Write(records(c.number, 0, n))
	}
	return errors.Join(err, f.Close())
}

// replace gives a file another content as editors do.
func (c *member) replace(name string, n int) error {
	temporary := c.at(fmt.Sprint("t", c.number))
	if err := os.WriteFile(temporary, records(c.number, 0, n), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, c.at(name))
}

func (c *member) read(name string) error {
	data, err := os.ReadFile(c.at(name))
	if err != nil {
		return err
	}
	return genuine(data, 0)
}

func (c *member) walk() error {
	return filepath.WalkDir(c.mount.Dir, func(_ string, _ iofs.DirEntry, err error) error {
		if !c.explained(err) {
			return err
		}
		return nil
	})
}

func (c *member) syncDir(dir string) error {
	d, err := os.Open(c.at(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// renameDir also replaces directories, which os.Rename refuses to do.
func (c *member) renameDir(name, to string) error {
	if err := unix.Rename(c.at(name), c.at(to)); err != nil {
		return &os.LinkError{Op: "rename", Old: name, New: to, Err: err}
	}
	return nil
}

// make makes a file that must not be there, and takes it away if it was.
func (c *member) make(name string) error {
	f, err := os.OpenFile(c.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, unix.EEXIST) {
		return unix.Unlink(c.at(name))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(records(c.number, 0, 10))
	return errors.Join(err, f.Close())
}

// copy copies what is at the beginning of a file as cp does, by copy_file_range.
func (c *member) copy(name, to string) error {
	from, err := os.Open(c.at(name))
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(c.at(to), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(from, 1000*recordSize))
	return errors.Join(err, f.Close())
}

// patch writes somewhere into a file, in several pieces.
func (c *member) patch(name string) error {
	f, err := os.OpenFile(c.at(name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	for range 1 + c.r.IntN(3) {
		from, n := c.size(), c.size()
		c.diary.note(c.number, "... with %d records at %d", n, from)
		if _, err = f.WriteAt(records(c.number, from, n), int64(from*recordSize)); err != nil {
			break
		}
		if c.r.IntN(4) == 0 {
			c.diary.note(c.number, "... fsync")
			if err = f.Sync(); err != nil {
				break
			}
		}
	}
	return errors.Join(err, f.Close())
}

// useGone writes and reads a file after its name was taken away. Whoever had found it
// by then may make it shorter.
func (c *member) useGone(name string) error {
	f, err := os.OpenFile(c.at(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = unix.Unlink(c.at(name)); err != nil && !errors.Is(err, unix.ENOENT) {
		return errors.Join(err, f.Close())
	}
	from, b := c.size(), make([]byte, 1000*recordSize)
	_, err = f.WriteAt(records(c.number, from, 10), int64(from*recordSize))
	if err == nil {
		var n int
		if n, err = f.ReadAt(b, int64(from*recordSize)); err == nil || errors.Is(err, io.EOF) {
			err = genuine(b[:n], from*recordSize)
		}
	}
	return errors.Join(err, f.Close())
}
