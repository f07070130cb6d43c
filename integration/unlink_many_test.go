//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// manyFiles makes a directory d with files f0000, f0001, ….
func manyFiles(e *env, n int) {
	e.put("d/", "", nil)
	for i := range n {
		e.put(fmt.Sprintf("d/f%04d", i), "x", nil)
	}
}

func inMemory(t *testing.T) *env {
	profile, _ := objstore.ProfileByName("aws")
	return newEnv(t, mem.New(profile))
}

// The unlinks of one program come from one thread, as rm's do.
const unlinkAll = `python3 - <<'EOF'
import os, sys
for name in sorted(os.listdir("d")):
    try: os.unlink("d/" + name)
    except OSError as e: print(name, os.strerror(e.errno))
EOF`

// TestRemoveManyFiles deletes many files with few requests.
func TestRemoveManyFiles(t *testing.T) {
	const n = 3000
	e := inMemory(t)
	manyFiles(e, n)
	other, m := e.mount(), e.mount()
	requests := e.requests(func() { m.Run("rm -r d") })
	if requests > 25*n/1000 {
		t.Errorf("%d requests to remove %d files, want %d: %d LIST, %d HEAD, %d Delete, %d DeleteMany", requests, n, 25*n/1000,
			e.store.Calls(objstore.OpList), e.store.Calls(objstore.OpHead), e.store.Calls(objstore.OpDelete), e.store.Calls(objstore.OpDeleteMany))
	}
	// When rm is done everything is.
	if keys := e.keys(); len(keys) > 0 {
		t.Errorf("%d objects are left: %q", len(keys), keys[0])
	}
	e.eventually("the other mount sees it", func() bool { _, err := os.Stat(filepath.Join(other.Dir, "d")); return errors.Is(err, os.ErrNotExist) })
}

// TestRemoveManyFilesWaits keeps the deletions on their way, and looks at what the
// mount makes of it.
func TestRemoveManyFilesWaits(t *testing.T) { removedTogether(inMemory(t)) }

func removedTogether(e *env) {
	manyFiles(e, 100)
	m := e.mount()
	gate := fault.NewGate()
	e.store.Add(fault.Rule{Op: objstore.OpDeleteMany, Mode: fault.Delay, Gate: gate})
	e.want("errors", m.Run(unlinkAll), "")
	<-gate.Arrived()
	if n := len(e.keys()); n < 50 {
		e.Fatalf("%d objects are left in the store: nothing was put off", n)
	}
	e.want("names", e.names(m, "d"), "")
	for _, name := range []string{"d/f0050", "d/f0099"} {
		_, err := os.Lstat(filepath.Join(m.Dir, name))
		e.fails("stat", err, syscall.ENOENT)
		e.fails("unlink", os.Remove(filepath.Join(m.Dir, name)), syscall.ENOENT)
	}
	made := make(chan error)
	for name, create := range map[string]func(path string) error{
		"f0060": func(p string) error { return os.WriteFile(p, []byte("new"), 0o644) },
		"f0061": func(p string) error { return os.Mkdir(p, 0o755) },
		"f0062": func(p string) error { return os.Symlink("new", p) },
	} {
		go func() { made <- create(filepath.Join(m.Dir, "d", name)) }()
	}
	gate.Open()
	for range 3 {
		e.ok(<-made)
	}
	e.ok(m.FS.Sync(e.Context()))
	e.stored("d/f0060", "new")
	e.stored("d/f0062", "new")
	if want := []string{"d/", "d/f0060", "d/f0061/", "d/f0062"}; !slices.Equal(e.keys(), want) {
		e.Errorf("in the store are %q, want %q", e.keys(), want)
	}
}

// TestRemoveManyFilesFails is told why, and has the files again that are there.
func TestRemoveManyFilesFails(t *testing.T) { removedInVain(inMemory(t)) }

func removedInVain(e *env) {
	manyFiles(e, 100)
	m := e.mount()
	rule := e.store.Add(fault.Rule{Op: objstore.OpDeleteMany, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	said := m.Run(unlinkAll)
	sync := func() error {
		d, err := os.Open(filepath.Join(m.Dir, "d"))
		e.ok(err)
		defer d.Close()
		return d.Sync()
	}
	// Where unlinking takes a while there are several batches, and each is told of: by
	// an unlink if there is one after it, or by the fsync.
	if err := sync(); err != nil || !strings.Contains(said, "Permission denied") {
		e.fails("fsync of the directory", err, syscall.EACCES)
	}
	failures, _ := m.Uploader.Failures() // which an unmount would tell
	rule.Remove()
	e.ok(sync()) // it was told
	left := strings.Fields(e.names(m, "d"))
	if len(left) == 0 || len(left) != len(e.keys())-1 { // how many depends on how fast they were unlinked
		e.Fatalf("%d files are shown, and the store has %d", len(left), len(e.keys())-1)
	}
	if len(failures) != len(left) {
		e.Errorf("%d of %d count as failures", len(failures), len(left))
	}
	e.want("content", e.read(m, "d/"+left[0]), "x")
	m.Run("rm -r d")
	if failures, _ := m.Uploader.Failures(); len(failures) > 0 {
		e.Errorf("%v is deleted by now", failures[0])
	}
	if keys := e.keys(); len(keys) > 0 {
		e.Errorf("%d objects are left: %q", len(keys), keys[0])
	}
}

// TestRemoveDirectoryFails is not told that a directory is gone whose files are not.
func TestRemoveDirectoryFails(t *testing.T) {
	e := inMemory(t)
	manyFiles(e, 100)
	m := e.mount()
	e.store.Add(fault.Rule{Op: objstore.OpDeleteMany, Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Times: 1})
	if said, err := m.Try("rm -r d"); err == nil || !strings.Contains(said, "Permission denied") {
		t.Errorf("rm says %v: %s", err, said)
	}
	if len(e.keys()) < 2 { // how many depends on how fast they were unlinked
		t.Errorf("%q is left of a directory and files that could not be deleted", e.keys())
	}
	m.Run("rm -r d")
	if keys := e.keys(); len(keys) > 0 {
		t.Errorf("%d objects are left: %q", len(keys), keys[0])
	}
}

// TestUnmountDeletes what was unlinked.
func TestUnmountDeletes(t *testing.T) {
	e := inMemory(t)
	manyFiles(e, 500)
	m := e.mount()
	m.Run(unlinkAll)
	m.Unmount()
	if want := []string{"d/"}; !slices.Equal(e.keys(), want) {
		t.Errorf("in the store are %d objects, want %q", len(e.keys()), want)
	}
}

// TestRenameAfterRemove does not take deleted files along.
func TestRenameAfterRemove(t *testing.T) {
	e := inMemory(t)
	manyFiles(e, 100)
	m := e.mount()
	m.Run(`set -e
python3 - <<'EOF'
import os
for name in sorted(os.listdir("d"))[:51]: os.unlink("d/" + name)
EOF
mv d e`)
	want := []string{"e/"}
	for i := 51; i < 100; i++ {
		want = append(want, fmt.Sprintf("e/f%04d", i))
	}
	if !slices.Equal(e.keys(), want) {
		t.Errorf("in the store are %d objects, %q …, want %d", len(e.keys()), e.keys()[:2], len(want))
	}
}

// removedOneByOne deletes n files, each before unlink returns.
func removedOneByOne(e *env, n int, change func(*fs.Config)) {
	manyFiles(e, n)
	m := e.mountWith(change)
	for i := range n {
		key := fmt.Sprintf("d/f%04d", i)
		e.ok(os.Remove(filepath.Join(m.Dir, key)))
		e.absent(key)
	}
}
