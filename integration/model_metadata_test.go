//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestModelOfMetadata plays random sequences of what changes the attributes of files,
// and of what must not. After each operation the mount must show what the model has,
// and when all is stored, so must a mount that has seen nothing of it.
func TestModelOfMetadata(t *testing.T) {
	for _, v := range []variant{
		{name: "back", profile: modelProfile()},
		{name: "through", profile: modelProfile(), through: true},
		{name: "late", profile: modelProfile(), delay: forEver},
		{name: "healed", profile: modelProfile(), retry: time.Minute, faults: faultsHeal},
	} {
		t.Run(v.name, func(t *testing.T) {
			first, last := *modelFirst, *modelFirst+*modelSeeds/5
			if *modelSeed != 0 {
				first, last = *modelSeed, *modelSeed+1
			}
			for seed := first; seed < last && !t.Failed(); seed += metadataSeeds {
				v.playMetadata(t, seed, min(seed+metadataSeeds, last))
			}
		})
	}
}

// TestModelOfTwoMounts has two mounts of one bucket change files by turns. What one has
// stored the other comes to show.
func TestModelOfTwoMounts(t *testing.T) {
	for _, v := range []variant{
		{name: "back", profile: modelProfile(), ttl: -1},
		{name: "back-trusting", profile: modelProfile(), ttl: 5 * time.Millisecond},
		{name: "through", profile: modelProfile(), through: true, ttl: -1},
	} {
		t.Run(v.name, func(t *testing.T) {
			store := fault.New(mem.New(v.profile))
			mounts := []*mounttest.Mount{v.mount(t, store), v.mount(t, store)}
			first, last := *modelFirst, *modelFirst+*modelSeeds/20
			if *modelSeed != 0 {
				first, last = *modelSeed, *modelSeed+1
			}
			for seed := first; seed < last && !t.Failed(); seed++ {
				a := newAttributed(mounts[0], fmt.Sprint("s", seed))
				if err := a.byTurns(rand.New(rand.NewPCG(seed, 8)), mounts); err != nil {
					t.Errorf("seed %d: %v\n%s", seed, err, strings.Join(a.done, "\n"))
				}
			}
		})
	}
}

// byTurns does operations on either mount and looks at the result on both.
func (a *attributed) byTurns(r *rand.Rand, mounts []*mounttest.Mount) error {
	if err := os.MkdirAll(a.path("d"), 0o755); err != nil {
		return err
	}
	a.closed = true
	if a.mount = mounts[1]; comesToBe(a.compareAll) != nil {
		return errors.New("the other mount does not come to show the directory")
	}
	for range 10 + r.IntN(30) {
		i := r.IntN(len(mounts))
		a.mount = mounts[i]
		a.done = append(a.done, fmt.Sprint("mount ", i))
		if err := errors.Join(a.step(r), a.compareAll(), a.mount.FS.Sync(context.Background())); err != nil {
			return err
		}
		a.mount = mounts[1-i]
		if err := comesToBe(a.compareAll); err != nil {
			return fmt.Errorf("on the other mount: %w", err)
		}
	}
	return nil
}

// comesToBe compares until all is as it should be: a question that was on its way when
// somebody else changed something may be answered as it was.
func comesToBe(compare func() error) error {
	for deadline := time.Now().Add(behindAtMost); ; time.Sleep(time.Millisecond) {
		if err := compare(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// behindAtMost is how far behind a mount may be [S2].
const behindAtMost = 2 * time.Second

// metadataSeeds is how many sequences one mount sees.
const metadataSeeds = 20

func (v variant) playMetadata(t *testing.T, from, to uint64) {
	store := fault.New(mem.New(v.profile))
	m := v.mount(t, store)
	defer m.Unmount()
	models := map[uint64]*attributed{}
	for seed := from; seed < to; seed++ {
		a := newAttributed(m, fmt.Sprint("s", seed))
		models[seed] = a
		a.play(t, rand.New(rand.NewPCG(seed, 7)), v.faults, store)
		store.Clear()
		if t.Failed() {
			t.Logf("seed %d:\n%s", seed, strings.Join(a.done, "\n"))
			return
		}
	}
	if err := m.FS.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	fresh := v.mount(t, store)
	defer fresh.Unmount()
	for seed, a := range models {
		a.mount = fresh
		if err := a.compareAll(); err != nil {
			t.Errorf("seed %d, in another mount: %v\n%s", seed, err, strings.Join(a.done, "\n"))
			return
		}
	}
}

// attributed is a directory of a mount and what should be in it.
type attributed struct {
	mount  *mounttest.Mount
	dir    string
	files  map[string]*attributedFile // by path
	open   *os.File                   // kept open over other operations, or nil
	held   *attributedFile            // the file that it is open for
	closed bool                       // none is to be kept open
	done   []string

	sub    string          // what the directory d is called now
	folder *attributedFile // the directory
}

// attributedFile is what a file, a link or the directory should be.
type attributedFile struct {
	mode     uint32 // with the type
	uid, gid uint32
	mtime    time.Time // zero where nobody has set it
	xattrs   map[string]string
	data     string
}

func newAttributed(m *mounttest.Mount, dir string) *attributed {
	return &attributed{
		mount: m, dir: dir, files: map[string]*attributedFile{},
		sub: "d", folder: &attributedFile{mode: unix.S_IFDIR | 0o755, xattrs: map[string]string{}},
	}
}

// attributedNames are those that there may be; the last is a link's.
var attributedNames = []string{"a", "b", "d/a", "d/b", "link"}

// otherName is what the directory is called next.
var otherName = map[string]string{"d": "e", "e": "d"}

func (a *attributed) path(name string) string {
	if base, below := strings.CutPrefix(name, "d/"); below {
		name = a.sub + "/" + base
	}
	return filepath.Join(a.mount.Dir, a.dir, name)
}

func (a *attributed) play(t *testing.T, r *rand.Rand, f faults, store *fault.Store) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%v", err)
		}
	}
	must(os.MkdirAll(a.path("d"), 0o755))
	for range 10 + r.IntN(30) {
		if f == faultsHeal && r.IntN(4) == 0 {
			rule := passingFault(r)
			a.done = append(a.done, fmt.Sprintf("fault %+v", rule))
			store.Add(rule)
		}
		must(a.step(r))
		must(a.compareAll())
		if t.Failed() {
			return
		}
	}
	if a.open != nil {
		must(a.open.Close())
		a.open = nil
	}
	must(a.compareAll())
}

// passingFault is something that goes by when a request is tried again.
func passingFault(r *rand.Rand) fault.Rule {
	ops := []string{objstore.OpCopy, objstore.OpHead, objstore.OpPut, objstore.OpDelete, objstore.OpComplete, objstore.OpUploadPartCopy}
	modes := []fault.Mode{fault.LoseAnswer, fault.Drop}
	return fault.Rule{Op: ops[r.IntN(len(ops))], Mode: modes[r.IntN(len(modes))], Times: 1 + r.IntN(2), After: r.IntN(2), At: -1}
}

// step does one operation on the mount and on the model.
func (a *attributed) step(r *rand.Rand) error {
	name := attributedNames[r.IntN(len(attributedNames)-1)]
	if r.IntN(8) == 0 {
		name = "link"
	}
	at := a.path(name)
	file := a.files[name]
	note := func(format string, args ...any) { a.done = append(a.done, fmt.Sprintf(format, args...)) }
	if file == nil {
		file = &attributedFile{mode: unix.S_IFREG | 0o644, xattrs: map[string]string{}}
		a.files[name] = file
		if name == "link" {
			note("symlink %s", name)
			file.mode = unix.S_IFLNK | 0o777
			return os.Symlink("target", at)
		}
		file.data = noise(r.IntN(100_000))
		note("create %s, %d bytes", name, len(file.data))
		return os.WriteFile(at, []byte(file.data), 0o644)
	}
	link := file.mode&unix.S_IFMT == unix.S_IFLNK
	switch what := r.IntN(14); {
	case what == 0 && !link:
		file.data, file.mtime = noise(r.IntN(100_000)), time.Time{}
		note("write %s, %d bytes", name, len(file.data))
		return os.WriteFile(at, []byte(file.data), 0)
	case what == 1 && !link:
		file.data, file.mtime = file.data+"more", time.Time{}
		note("append to %s", name)
		return appendTo(at, "more")
	case what == 2 && !link:
		n := r.IntN(len(file.data) + 1)
		file.data, file.mtime = file.data[:n], time.Time{}
		note("truncate %s to %d", name, n)
		return os.Truncate(at, int64(n))
	case what == 3 && !link:
		mode := uint32(r.IntN(0o1000)) | 0o600
		file.mode = unix.S_IFREG | mode
		note("chmod %s to %o", name, mode)
		return unix.Chmod(at, mode)
	case what == 4 && os.Geteuid() == 0:
		file.uid, file.gid = r.Uint32N(1000), r.Uint32N(1000)
		note("chown %s to %d:%d", name, file.uid, file.gid)
		return os.Lchown(at, int(file.uid), int(file.gid))
	case what == 5:
		file.mtime = time.Unix(r.Int64N(2e9), r.Int64N(1e9))
		note("utimens %s to %v", name, file.mtime.UnixNano())
		ts := unix.NsecToTimespec(file.mtime.UnixNano())
		return unix.UtimesNanoAt(unix.AT_FDCWD, at, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	case what == 6 && !link:
		key, value := "user."+string(rune('a'+r.IntN(3))), noise(r.IntN(40))
		file.xattrs[key] = value
		note("setxattr %s %s, %d bytes", name, key, len(value))
		return unix.Lsetxattr(at, key, []byte(value), 0)
	case what == 7 && !link:
		key := "user." + string(rune('a'+r.IntN(3)))
		note("removexattr %s %s", name, key)
		err := unix.Lremovexattr(at, key)
		if _, had := file.xattrs[key]; !had && errors.Is(err, unix.ENODATA) {
			return nil
		}
		delete(file.xattrs, key)
		return err
	case what == 8:
		to := attributedNames[r.IntN(len(attributedNames)-1)]
		if link || to == name {
			return nil
		}
		note("rename %s to %s", name, to)
		delete(a.files, name)
		a.files[to] = file
		return os.Rename(at, a.path(to))
	case what == 9:
		note("unlink %s", name)
		delete(a.files, name)
		return os.Remove(at)
	case what == 10:
		note("sync")
		return a.mount.FS.Sync(context.Background())
	case what == 11 && !link && !a.closed:
		return a.handle(r, name, file)
	case what == 12:
		mode := uint32(r.IntN(0o1000)) | 0o700
		a.folder.mode = unix.S_IFDIR | mode
		note("chmod d to %o", mode)
		return unix.Chmod(a.path(a.sub), mode)
	case what == 13:
		was := a.path(a.sub)
		a.sub = otherName[a.sub]
		note("rename d to %s", a.sub)
		return os.Rename(was, a.path(a.sub))
	}
	return nil
}

// handle opens a file and leaves it open, writes to the one that is, or closes it.
func (a *attributed) handle(r *rand.Rand, name string, file *attributedFile) (err error) {
	switch {
	case a.open == nil:
		a.done = append(a.done, "open "+name)
		a.held = file
		a.open, err = os.OpenFile(a.path(name), os.O_WRONLY|os.O_APPEND, 0)
		return err
	case r.IntN(3) == 0:
		a.done = append(a.done, "close")
		err, a.open = a.open.Close(), nil
		return err
	}
	a.done = append(a.done, "write to what is open")
	a.held.data, a.held.mtime = a.held.data+"held", time.Time{}
	_, err = a.open.WriteString("held")
	return err
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (a *attributed) compareAll() error {
	for name, want := range a.files {
		if err := a.compare(name, want); err != nil {
			return err
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(a.path(a.sub), &st); err != nil || st.Mode != a.folder.mode {
		return fmt.Errorf("%s: mode %o, want %o: %v", a.sub, st.Mode, a.folder.mode, err)
	}
	if _, err := os.Lstat(a.path(otherName[a.sub])); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the directory has its old name: %v", err)
	}
	for _, name := range attributedNames {
		if _, err := os.Lstat(a.path(name)); a.files[name] == nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %v, and it should not be there", name, err)
		}
	}
	return nil
}

// compare holds a file of the mount against the model.
func (a *attributed) compare(name string, want *attributedFile) error {
	at := a.path(name)
	var st unix.Stat_t
	if err := unix.Lstat(at, &st); err != nil {
		return fmt.Errorf("lstat %s: %w", name, err)
	}
	if st.Mode != want.mode || st.Uid != want.uid || st.Gid != want.gid {
		return fmt.Errorf("%s: mode %o of %d:%d, want %o of %d:%d", name, st.Mode, st.Uid, st.Gid, want.mode, want.uid, want.gid)
	}
	if got := time.Unix(st.Mtim.Unix()); !want.mtime.IsZero() && !got.Equal(want.mtime) {
		return fmt.Errorf("%s: mtime %d, want %d", name, got.UnixNano(), want.mtime.UnixNano())
	}
	if want.mode&unix.S_IFMT == unix.S_IFLNK {
		target, err := os.Readlink(at)
		if target != "target" {
			return fmt.Errorf("%s: link to %q, %v", name, target, err)
		}
		return nil
	}
	if data, err := os.ReadFile(at); err != nil || string(data) != want.data {
		return fmt.Errorf("%s: %d bytes, want %d: %v", name, len(data), len(want.data), err)
	}
	got, err := xattrsOf(at)
	if err != nil || !maps.Equal(got, want.xattrs) {
		return fmt.Errorf("%s: attributes %v, want %v: %v", name, slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want.xattrs)), err)
	}
	return nil
}

// xattrsOf reads the user attributes that are not the mount's own.
func xattrsOf(path string) (map[string]string, error) {
	buf := make([]byte, 4096)
	n, err := unix.Llistxattr(path, buf)
	if err != nil {
		return nil, fmt.Errorf("listxattr: %w", err)
	}
	out := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if name == "" || strings.HasPrefix(name, "user.sluicefs.") || strings.HasPrefix(name, "user.s3.") {
			continue
		}
		value := make([]byte, 4096)
		k, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return nil, fmt.Errorf("getxattr %s: %w", name, err)
		}
		out[name] = string(value[:k])
	}
	return out, nil
}
