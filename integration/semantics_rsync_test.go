//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/uploader"
)

func rsyncClauses() map[string]clause {
	return map[string]clause{
		"U14": {run: func(e *env) { rsyncCosts(e); rsyncOfEmptyAndLarge(e); rsyncOptions(e) }},
		"U15": {run: func(e *env) { parkedIsThere(e); parkedIsStoredFor(e); parkedIsGivenUp(e) }},
		"U16": {run: func(e *env) { parkedInTime(e); parkedAtTheEnd(e); parkedMeetsShortMemory(e); parkedCannotBeStored(e) }},
		"U17": {run: func(e *env) { rsyncIsTold(e); renamedOverAnothers(e) }},
		"U18": {run: rsyncAtClose},
	}
}

// TestRsyncOnMinIO runs the clauses about rsync on MinIO.
func TestRsyncOnMinIO(t *testing.T) {
	server := minIO.of(t)
	var buckets atomic.Int64
	for id, c := range rsyncClauses() {
		t.Run(id, func(t *testing.T) {
			c.run(newEnv(t, newBucket(t, server, "minio", fmt.Sprintf("rsync-%d", buckets.Add(1)))))
		})
	}
}

// forEver is longer than a test waits for anything.
const forEver = time.Hour

// parking mounts so that what rsync closes is stored by its rename only, or by what
// a test does.
func (e *env) parking(change ...func(*mounttest.Options)) *mounttest.Mount {
	o := mounttest.Options{FS: func(c *fs.Config) { c.ParkTime = forEver }}
	for _, c := range change {
		c(&o)
	}
	return mounttest.New(e, e.store, o)
}

// asRsync has what the calling goroutine does from now on pass for rsync's.
func asRsync() {
	runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
	if err := os.WriteFile(fmt.Sprintf("/proc/self/task/%d/comm", unix.Gettid()), []byte("rsync"), 0); err != nil {
		panic(err)
	}
}

// park makes a file as rsync does, closes it, and wants nothing to be stored by that.
func (e *env) park(m *mounttest.Mount, name, content string) {
	e.Helper()
	n := e.requests(func() {
		e.ok(rsyncMakes(filepath.Join(m.Dir, name), content))
	}, writing...)
	if n != 0 {
		e.Errorf("the close of %s sent %d requests", name, n)
	}
}

// rsyncMakes makes a file as rsync does, and closes it.
func rsyncMakes(name, content string) error {
	done := make(chan error)
	go func() {
		asRsync()
		done <- exclusively(name, content)
	}()
	return <-done
}

// exclusively makes a file that must not be there.
func exclusively(name, content string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// sourceTree makes n small files in directories of twenty, and returns where.
func (e *env) sourceTree(n int) string {
	e.Helper()
	source := e.TempDir()
	for i := range n {
		dir := filepath.Join(source, fmt.Sprintf("d%02d", i%20))
		e.ok(os.MkdirAll(dir, 0o755))
		e.ok(os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d", i)), []byte(fmt.Sprint("content ", i)), 0o640))
	}
	return source
}

func rsyncCosts(e *env) {
	const n = 60
	source := e.sourceTree(n)
	m := e.parking()
	sync := "rsync -ai " + source + "/ tree/"
	e.ok(os.Mkdir(filepath.Join(m.Dir, "tree"), 0o755))
	for _, content := range []string{"content", "other"} { // and over what is there
		for i := range n {
			name := filepath.Join(source, fmt.Sprintf("d%02d/f%03d", i%20, i))
			e.ok(os.WriteFile(name, []byte(fmt.Sprint(content, " ", i)), 0o640))
		}
		puts := e.requests(func() { m.Run(sync) }, objstore.OpPut)
		if puts < n || puts > n+2*21 { // with the markers of directories, and their times
			e.Errorf("%d PutObject for %d files", puts, n)
		}
		if c, d := e.store.Calls(objstore.OpCopy), e.store.Calls(objstore.OpDelete, objstore.OpDeleteMany); c+d != 0 {
			e.Errorf("%d copies, %d deletions", c, d)
		}
	}
	e.want("what the next rsync changes", m.Run(sync), "")
	e.ok(m.FS.Sync(e.Context()))
	other := e.mount()
	e.want("what it changes in another mount", other.Run(sync), "")
	for i := range n {
		e.stored(fmt.Sprintf("tree/d%02d/f%03d", i%20, i), fmt.Sprint("other ", i))
	}
	for _, key := range e.keys() {
		if strings.Contains(key, "/.") {
			e.Errorf("%s is left", key)
		}
	}
}

// rsyncOfEmptyAndLarge has files of no bytes, and one that is sent in parts.
func rsyncOfEmptyAndLarge(e *env) {
	source := e.TempDir()
	large := noise(streamed)
	e.ok(os.WriteFile(filepath.Join(source, "empty"), nil, 0o644))
	e.ok(os.WriteFile(filepath.Join(source, "large"), []byte(large), 0o644))
	m := e.parking()
	n := e.requests(func() { m.Run("rsync -a " + source + "/ sizes/") }, objstore.OpCopy, objstore.OpUploadPartCopy)
	if n == 0 {
		e.Errorf("the large file was not copied to its name: is it sent in parts?")
	}
	e.stored("sizes/empty", "")
	e.stored("sizes/large", large)
	e.want("what the next rsync changes", m.Run("rsync -ai "+source+"/ sizes/"), "")
}

// rsyncOptions runs rsync in the other ways that it has to write a file.
func rsyncOptions(e *env) {
	source := e.sourceTree(20)
	m := e.parking()
	for _, option := range []string{
		"--inplace", "--partial", "--partial-dir=.part", "--delay-updates", "--fsync", "--no-whole-file", "--sparse", "-X", "--preallocate",
	} {
		dir := "with" + strings.ReplaceAll(option, "-", "_")
		if option == "--fsync" && !strings.Contains(m.Run("rsync --help"), option) {
			continue // of rsync 3.2.4 and later
		}
		for _, content := range []string{"one", "other"} {
			e.ok(os.WriteFile(filepath.Join(source, "d00/f000"), []byte(content+option), 0o640))
			m.Run(fmt.Sprintf("rsync -a %s %s/ '%s'/", option, source, dir))
			e.stored(dir+"/d00/f000", content+option)
		}
		e.want("what the next rsync changes "+option, m.Run(fmt.Sprintf("rsync -ai %s %s/ '%s'/", option, source, dir)), "")
	}
	m.Run("mkdir tmp; rsync -a --temp-dir=$PWD/tmp " + source + "/ temp_dir/; rmdir tmp")
	e.stored("temp_dir/d01/f001", "content 1")
	e.ok(os.WriteFile(filepath.Join(source, "d01/f001"), []byte("new"), 0o640))
	m.Run("rsync -a --backup --delete " + source + "/ temp_dir/; touch temp_dir/d01/extra; rsync -a --delete " + source + "/d01/ temp_dir/d01/")
	e.stored("temp_dir/d01/f001", "new")
	e.absent("temp_dir/d01/extra")
	m.Run("rsync -a " + source + "/d01/ backed/; printf newer > " + source + "/d01/f001; rsync -a --backup " + source + "/d01/ backed/")
	e.stored("backed/f001~", "new")
	e.stored("backed/f001", "newer")
	long := strings.Repeat("ä", 127) // with what rsync adds it would be too long for a file system, so rsync cuts it
	for p := e.store.Profile(); p.CheckKey("backed/"+long) != nil || p.CheckKey("backed/"+rsyncName(long)) != nil; {
		long = long[2:]
	}
	e.ok(os.WriteFile(filepath.Join(source, "d01", long), []byte("long"), 0o640))
	m.Run("rsync -a " + source + "/d01/ backed/")
	e.stored("backed/"+long, "long")
	if n := e.store.Calls(objstore.OpPut); n == 0 {
		e.Errorf("nothing was sent")
	}
}

// rsyncName is a temporary name of rsync for a file. It knows that names of files
// have 255 bytes, and not that a store may allow fewer.
func rsyncName(name string) string {
	const around = len(".") + len(".Ab12Cd")
	return "." + name[:min(len(name), 255-around)] + ".Ab12Cd"
}

// parkedIsThere looks at a file between its close and its rename.
func parkedIsThere(e *env) {
	m := e.parking()
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	e.park(m, ".f.Ab12Cd", "content")
	e.absent(".f.Ab12Cd")
	e.want("names", e.names(m, "."), ".f.Ab12Cd")
	e.want("content", e.read(m, ".f.Ab12Cd"), "content")
	when := time.Unix(1600000000, 5)
	n := e.requests(func() {
		e.ok(os.Chmod(at(".f.Ab12Cd"), 0o640))
		e.ok(os.Chtimes(at(".f.Ab12Cd"), when, when))
		e.ok(unix.Setxattr(at(".f.Ab12Cd"), "user.one", []byte("1"), 0))
	})
	if n != 0 {
		e.Errorf("%d requests for its attributes", n)
	}
	reading := e.open(m, ".f.Ab12Cd", os.O_RDONLY)
	n = e.requests(func() { e.ok(os.Rename(at(".f.Ab12Cd"), at("f"))) }, writing...)
	if n != 1 {
		e.Errorf("%d requests to rename it, want one", n)
	}
	e.stored("f", "content")
	b := make([]byte, 7)
	_, err := reading.ReadAt(b, 0)
	e.ok(err)
	e.want("who has it open reads", string(b), "content")
	other := e.mount()
	if st := e.stat(other, "f"); st.Mode&0o777 != 0o640 || st.Mtim.Nano() != when.UnixNano() {
		e.Errorf("mode %o, time %v", st.Mode, st.Mtim)
	}
	value := make([]byte, 8)
	k, err := unix.Getxattr(filepath.Join(other.Dir, "f"), "user.one", value)
	e.ok(err)
	e.want("attribute", string(value[:k]), "1")
	e.write(m, "f", "and it can be written")
	e.stored("f", "and it can be written")
}

// parkedIsStoredFor has others do what wants the file to be stored.
func parkedIsStoredFor(e *env) {
	m := e.parking()
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	for name, act := range map[string]func(string){
		"open for writing": func(name string) {
			f := e.open(m, name, os.O_WRONLY)
			e.stored(name, "content")
			e.ok(f.Close())
		},
		"fsync": func(name string) {
			f := e.open(m, name, os.O_RDONLY)
			e.ok(f.Sync())
			e.ok(f.Close())
		},
		"fsync of the directory": func(name string) {
			d, err := os.Open(filepath.Dir(at(name)))
			e.ok(err)
			e.ok(d.Sync())
			e.ok(d.Close())
		},
		"truncate": func(name string) { e.ok(os.Truncate(at(name), 7)) },
	} {
		dir := strings.ReplaceAll(name, " ", "-")
		e.ok(os.Mkdir(at(dir), 0o755))
		key := dir + "/.f.Ab12Cd"
		e.park(m, key, "content")
		act(key)
		e.stored(key, "content")
		e.ok(os.Rename(at(key), at(dir+"/f")))
		e.stored(dir+"/f", "content")
		e.absent(key)
	}
	// The directory gets another name: what is in it goes along, as it is.
	e.ok(os.Mkdir(at("old"), 0o755))
	e.park(m, "old/.f.Ab12Cd", "content")
	e.ok(os.Rename(at("old"), at("new")))
	e.ok(os.Rename(at("new/.f.Ab12Cd"), at("new/f")))
	e.stored("new/f", "content")
	// Who is not rsync, or does not make a file of its own, has it stored by close.
	e.ok(exclusively(at(".g.Ab12Cd"), "not rsync"))
	e.stored(".g.Ab12Cd", "not rsync")
	done := make(chan struct{})
	go func() {
		defer close(done)
		asRsync()
		e.write(m, ".h.Ab12Cd", "not exclusive")
		e.write(m, "plain", "not temporary")
	}()
	<-done
	e.stored(".h.Ab12Cd", "not exclusive")
	e.stored("plain", "not temporary")
}

// parkedIsGivenUp deletes and replaces what is not stored yet.
func parkedIsGivenUp(e *env) {
	m := e.parking()
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	e.park(m, ".f.Ab12Cd", "content")
	n := e.requests(func() { e.ok(os.Remove(at(".f.Ab12Cd"))) }, writing...)
	e.park(m, ".f.Ab12Cd", "content")
	e.park(m, ".f.Ef34Gh", "other")
	n += e.requests(func() { e.ok(os.Rename(at(".f.Ef34Gh"), at(".f.Ab12Cd"))) }, objstore.OpDelete, objstore.OpCopy)
	if n != 0 {
		e.Errorf("%d requests for what was not stored", n)
	}
	e.stored(".f.Ab12Cd", "other")
	e.park(m, ".r.Ab12Cd", "read")
	reading := e.open(m, ".r.Ab12Cd", os.O_RDONLY)
	e.ok(os.Remove(at(".r.Ab12Cd")))
	b := make([]byte, 4)
	_, err := reading.ReadAt(b, 0)
	e.ok(err)
	e.want("who has it open reads", string(b), "read")
	e.ok(reading.Close())
	e.eventually("its memory is free", func() bool { return m.Uploader.Stats().Files == 0 })
	e.absent(".r.Ab12Cd")
}

// parkedInTime has no rename come: from a program that never does, and from an rsync
// that is killed before.
func parkedInTime(e *env) {
	e.put("k", "what is there", nil)
	m := e.mount()
	e.ok(rsyncMakes(filepath.Join(m.Dir, ".f.Ab12Cd"), "content"))
	e.eventually("it is stored under the name it has", func() bool { _, there := e.get(".f.Ab12Cd"); return there })
	e.stored(".f.Ab12Cd", "content")
	e.eventually("it is released", func() bool { return m.Uploader.Stats().Files == 0 })
	e.ok(os.Rename(filepath.Join(m.Dir, ".f.Ab12Cd"), filepath.Join(m.Dir, "f")))
	e.stored("f", "content")

	source := e.TempDir()
	e.ok(os.WriteFile(filepath.Join(source, "k"), []byte("killed"), 0o644))
	gate := fault.NewGate()
	defer gate.Open()
	rule := e.store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: gate})
	cmd := m.Command("exec rsync -a --backup " + source + "/ .")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.ok(cmd.Start())
	<-gate.Arrived() // it keeps the old file, and has closed the new one
	e.ok(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
	rule.Remove()
	gate.Open()
	e.eventually("the temporary file is stored", func() bool {
		return slices.ContainsFunc(e.keys(), func(key string) bool { return strings.HasPrefix(key, ".k.") })
	})
	for _, key := range e.keys() {
		if strings.HasPrefix(key, ".k.") {
			e.stored(key, "killed")
		}
	}
	if _, there := e.get("k"); there {
		e.stored("k", "what is there")
	} else { // the backup was made
		e.stored("k~", "what is there")
	}
}

// parkedAtTheEnd unmounts, or is told to store everything.
func parkedAtTheEnd(e *env) {
	m := e.parking()
	e.park(m, ".u.Ab12Cd", "unmounted")
	m.Unmount()
	e.stored(".u.Ab12Cd", "unmounted")
	m = e.parking()
	e.park(m, ".d.Ab12Cd", "drained")
	e.ok(m.Uploader.Drain(e.Context()))
	e.stored(".d.Ab12Cd", "drained")
	m = e.parking()
	e.park(m, ".s.Ab12Cd", "synced")
	e.ok(m.FS.Sync(e.Context()))
	e.stored(".s.Ab12Cd", "synced")
}

// parkedMeetsShortMemory fills the memory for writing.
func parkedMeetsShortMemory(e *env) {
	least := uploader.MinMemory(e.store.Profile())
	m := e.parking(func(o *mounttest.Options) {
		o.Uploader = func(c *uploader.Config) { c.Memory = least }
	})
	e.park(m, ".m.Ab12Cd", "content")
	f := e.open(m, "large", os.O_CREATE|os.O_RDWR)
	// Of each cell a page is missing, so that no part can leave.
	cell := least / 6
	for i := range int64(8) {
		_, err := f.WriteAt([]byte(noise(int(cell)-4096)), i*cell)
		e.ok(err)
	}
	e.ok(f.Sync()) // now they leave the kernel, and need more memory than there is
	e.eventually("it is stored", func() bool { _, there := e.get(".m.Ab12Cd"); return there })
	e.stored(".m.Ab12Cd", "content")
	e.ok(f.Close())
	// A quarter of the memory is the most.
	held := least / 4 / 3 &^ (64<<10 - 1)
	for i := range 3 {
		e.park(m, fmt.Sprintf(".m.Ab12C%d", i), noise(int(held)))
	}
	e.ok(rsyncMakes(filepath.Join(m.Dir, ".m.more00"), noise(int(held))))
	e.stored(".m.more00", noise(int(held)))
}

// parkedCannotBeStored is what nobody is told but the log and the unmount.
func parkedCannotBeStored(e *env) {
	m := e.mount()
	rule := e.store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: ".n.", Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	e.ok(rsyncMakes(filepath.Join(m.Dir, ".n.Ab12Cd"), "content"))
	e.eventually("it fails", func() bool {
		failed, _ := m.Uploader.Failures()
		return len(failed) == 1 && failed[0].Key == ".n.Ab12Cd"
	})
	e.eventually("its name is gone", func() bool {
		_, err := os.Lstat(filepath.Join(m.Dir, ".n.Ab12Cd"))
		return errors.Is(err, os.ErrNotExist)
	})
	e.ok(os.RemoveAll(filepath.Join(m.Dir, ".n.Ab12Cd")))
	rule.Remove()
	e.write(m, ".n.Ab12Cd", "again")
	if failed, _ := m.Uploader.Failures(); len(failed) != 0 {
		e.Errorf("%v counts although it was stored since", failed)
	}
}

// rsyncIsTold has the store refuse.
func rsyncIsTold(e *env) {
	source := e.sourceTree(3)
	m := e.parking()
	m.Run("rsync -a " + source + "/ tree/")
	e.ok(os.WriteFile(filepath.Join(source, "d01/f001"), []byte("refused"), 0o640))
	for what, kind := range map[string]error{"Permission denied": objstore.ErrAccessDenied, "Input/output error": objstore.ErrUnavailable} {
		for _, option := range []string{"", "--partial", "--delay-updates"} {
			rule := e.store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "f001", Mode: fault.Fail, Kind: kind})
			said, err := m.Try("rsync -a " + option + " " + source + "/ tree/")
			if err == nil || !strings.Contains(said, what) {
				e.Errorf("rsync %s says %v: %s", option, err, said)
			}
			rule.Remove()
			e.stored("tree/d01/f001", "content 1")
			e.want("content", e.read(m, "tree/d01/f001"), "content 1")
			for _, key := range e.keys() {
				if strings.Contains(key, "/.f") {
					e.Errorf("%s is left", key)
				}
			}
		}
	}
	failed, _ := m.Uploader.Failures()
	if len(failed) == 0 {
		e.Errorf("the unmount would not tell")
	}
	m.Run("rsync -a " + source + "/ tree/")
	e.stored("tree/d01/f001", "refused")
	if failed, _ := m.Uploader.Failures(); slices.ContainsFunc(failed, func(f uploader.Failure) bool { return f.Key == "tree/d01/f001" }) {
		e.Errorf("%v counts although it was stored since", failed)
	}
	e.ok(m.FS.Sync(e.Context())) // the attributes of directories, which others would count
}

// renamedOverAnothers has another client store something under the last name in the
// meantime, of which the mount does not know.
func renamedOverAnothers(e *env) {
	e.put("c", "old", nil)
	m := e.parking(func(o *mounttest.Options) {
		change := o.FS
		o.FS = func(c *fs.Config) { change(c); c.EntryTTL, c.AttrTTL = forEver, forEver }
	})
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	e.want("content", e.read(m, "c"), "old")
	e.park(m, ".c.Ab12Cd", "new")
	e.put("c", "another's", nil)
	e.fails("rename", os.Rename(at(".c.Ab12Cd"), at("c")), syscall.EBUSY)
	e.stored("c", "another's")
	e.absent(".c.Ab12Cd")
}

func rsyncAtClose(e *env) {
	source := e.sourceTree(3)
	m := e.mountWith(func(c *fs.Config) { c.RsyncStore, c.ParkTime = fs.RsyncClose, forEver })
	n := e.requests(func() { m.Run("rsync -a " + source + "/ tree/") }, objstore.OpCopy)
	if n != 3 {
		e.Errorf("%d copies, want 3", n)
	}
	e.stored("tree/d01/f001", "content 1")
}
