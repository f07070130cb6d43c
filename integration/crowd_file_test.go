//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestCrowdInAFile has several programs write to one file at once, each of them where no
// other does, while the file gets longer, other names and other attributes, and the kernel
// sends what it holds at any time. What a program has written it reads again, and in the
// end the store has all of it: no request takes away what another one brought.
func TestCrowdInAFile(t *testing.T) {
	for _, v := range []variant{
		{name: "back", profile: modelProfile()},
		{name: "through", profile: modelProfile(), through: true},
		{name: "distrustful", profile: modelProfile(), ttl: -1, delay: time.Millisecond},
		{name: "healed", profile: modelProfile(), retry: time.Minute, faults: faultsHeal},
	} {
		t.Run(v.name, func(t *testing.T) { eachSeed(t, max(1, *modelSeeds/50), v.crowdInAFile) })
	}
}

// stripe is how many bytes in a row belong to one program: less than a page, so that
// the kernel sends those of several together.
const stripe = 1000

// longest is how large the file becomes, in stripes.
const longest = 400

// sharedNames are those between which the file is renamed.
var sharedNames = []string{"a", "b"}

// crowdInAFile plays one seed. What happens in which order is another one each time.
func (v variant) crowdInAFile(t *testing.T, seed uint64) {
	under := mem.New(v.profile)
	store := fault.New(under)
	m := v.mount(t, store)
	defer m.Unmount()
	if err := os.WriteFile(filepath.Join(m.Dir, sharedNames[0]), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	seen := &diary{}
	var members sync.WaitGroup
	sharers := make([]*sharer, crowdSize)
	for i := range sharers {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		sharers[i] = &sharer{mount: m, r: r, number: i, diary: seen, own: make([]byte, longest*stripe)}
		members.Go(sharers[i].play)
	}
	if v.faults != noFaults {
		v.disturb(store, seed)
	}
	members.Wait()
	store.Clear()
	var size int
	want := make([]byte, longest*stripe)
	for i, s := range sharers {
		if s.err != nil {
			t.Errorf("seed %d, program %d: %v", seed, i, s.err)
		}
		size = max(size, s.reach)
		for at := i * stripe; at < len(want); at += crowdSize * stripe {
			copy(want[at:at+stripe], s.own[at:])
		}
	}
	if err := m.FS.Sync(t.Context()); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	got, there := []byte(nil), 0
	for _, name := range sharedNames {
		if data, _, ok := under.Object(name); ok {
			got = data
			there++
		}
	}
	if there != 1 || !bytes.Equal(got, want[:size]) {
		t.Errorf("seed %d: %d objects; %s", seed, there, difference(got, want[:size]))
	}
	if t.Failed() {
		t.Log(strings.Join(seen.entries, "\n"))
	}
}

// sharer is one of the programs. None of them maps the file: this process serves the
// mount, and cannot while it waits for a page.
type sharer struct {
	mount  *mounttest.Mount
	r      *rand.Rand
	number int
	diary  *diary
	file   *os.File
	own    []byte // of the file; what others write to is zeros
	reach  int    // the file has at least so many bytes
	err    error
}

func (s *sharer) play() {
	defer func() {
		if s.err = errors.Join(s.err, s.leave()); s.err != nil {
			s.diary.close()
		}
	}()
	for range crowdSteps {
		if s.err = s.step(); s.err != nil {
			return
		}
	}
}

// leave closes the file if it is open.
func (s *sharer) leave() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// enter opens the file, which always has one of its names.
func (s *sharer) enter() (err error) {
	for range 1000 {
		for _, name := range sharedNames {
			s.file, err = os.OpenFile(filepath.Join(s.mount.Dir, name), os.O_RDWR, 0)
			if err == nil || !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESTALE) {
				return err
			}
		}
	}
	return err
}

// step does one thing.
func (s *sharer) step() error {
	if s.file == nil {
		if err := s.enter(); err != nil {
			return err
		}
	}
	what, do := s.choice()
	s.diary.note(s.number, "%s", what)
	if err := do(); err != nil {
		s.diary.note(s.number, "%v", err)
		return fmt.Errorf("%s: %w", what, err)
	}
	s.diary.note(s.number, "did %s", what)
	return nil
}

func (s *sharer) choice() (what string, do func() error) {
	fd := int(s.file.Fd())
	at := (s.number + crowdSize*s.r.IntN(longest/crowdSize)) * stripe
	from := s.r.IntN(stripe)
	n := 1 + s.r.IntN(stripe-from)
	end := 1 + s.r.IntN(longest*stripe)
	switch k := s.r.IntN(40); {
	case k < 12:
		count := 1 + s.r.IntN(20)
		return fmt.Sprintf("write %d pieces of %d bytes from %d on", count, n, at+from), func() error { return s.write(at+from, n, count) }
	case k < 17:
		return fmt.Sprint("read at ", at), func() error { return s.read(at) }
	case k < 20:
		return fmt.Sprintf("allocate %d bytes", end), func() error { return s.allocate(0, 0, end) }
	case k < 22:
		return fmt.Sprintf("allocate %d bytes and keep the size", end), func() error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, int64(end)) }
	case k < 25:
		const punch = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
		return fmt.Sprintf("punch %d bytes at %d", n, at+from), func() error { return s.allocate(punch, at+from, n) }
	case k < 26:
		return fmt.Sprintf("zero %d bytes at %d", n, at+from), func() error { return s.allocate(unix.FALLOC_FL_ZERO_RANGE, at+from, n) }
	case k < 27:
		return "fsync", s.file.Sync
	case k < 29:
		return "push", func() error { return unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE) }
	case k < 31:
		return "drop", func() error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) }
	case k < 33:
		return "close", s.leave
	case k < 36:
		to := s.r.IntN(2)
		return "rename to " + sharedNames[to], func() error { return s.rename(sharedNames[1-to], sharedNames[to]) }
	case k < 37:
		return "fchmod", func() error { return s.file.Chmod(os.FileMode(0o600 + n%0o100)) }
	case k < 38:
		return "fsetxattr", func() error { return unix.Fsetxattr(fd, "user.a", fmt.Append(nil, n), 0) }
	case k < 39:
		when := unix.NsecToTimeval(int64(n) * 1e9)
		return "futimes", func() error { return unix.Futimes(fd, []unix.Timeval{when, when}) }
	default:
		return "dup and close", func() error { return s.closeAnother(fd) }
	}
}

// write writes pieces into stripes of this program, one behind the other.
func (s *sharer) write(at, n, count int) error {
	for ; count > 0 && at+n <= len(s.own); count-- {
		piece := s.own[at : at+n]
		copy(piece, pattern(s.r.Int64N(1<<20), int64(n)))
		if _, err := s.file.WriteAt(piece, int64(at)); err != nil {
			return err
		}
		s.reach = max(s.reach, at+n)
		at += crowdSize * stripe
	}
	return nil
}

// read reads a stripe of this program, as far as it knows that there is one.
func (s *sharer) read(at int) error {
	n := min(stripe, s.reach-at)
	if n <= 0 {
		return nil
	}
	got := make([]byte, n)
	if _, err := s.file.ReadAt(got, int64(at)); err != nil {
		return err
	}
	if !bytes.Equal(got, s.own[at:at+n]) {
		return errors.New(difference(got, s.own[at:at+n]))
	}
	return nil
}

// allocate zeros what is asked for if that is what the mode says, and makes the file
// longer if it does not say that it keeps its size.
func (s *sharer) allocate(mode uint32, at, n int) error {
	if err := unix.Fallocate(int(s.file.Fd()), mode, int64(at), int64(n)); err != nil {
		return err
	}
	if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
		clear(s.own[at : at+n])
	}
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		s.reach = max(s.reach, at+n)
	}
	return nil
}

// rename renames the file, unless another program has done so.
func (s *sharer) rename(from, to string) error {
	err := unix.Rename(filepath.Join(s.mount.Dir, from), filepath.Join(s.mount.Dir, to))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESTALE) { // the kernel looks again, once
		return nil
	}
	return err
}

func (s *sharer) closeAnother(fd int) error {
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(other)
}
