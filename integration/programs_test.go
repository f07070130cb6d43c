//go:build integration

package integration

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// programCase is what somebody does with programs in a directory. It is done in a
// local directory and in a mount: what the scripts print and leave must be the same.
// $SRC are files to take, which $URL serves as well, $OUT is a local directory to put
// things into.
type programCase struct {
	name   string
	script string
	again  string // done in another mount of the same bucket
	times  bool   // the modification times are the same, too
	ignore string // a file or directory that is not the same in two local runs either
	smoke  bool   // done on all servers
}

// TestPrograms tries the programs of programCases on versitygw.
func TestPrograms(t *testing.T) {
	t.Parallel()
	tryPrograms(t, realPlace(t, versityGW.of(t)), programCases())
}

// TestProgramsMinIO tries some of them on MinIO.
func TestProgramsMinIO(t *testing.T) {
	t.Parallel()
	cases := slices.DeleteFunc(programCases(), func(c programCase) bool { return !c.smoke })
	tryPrograms(t, realPlace(t, minIO.of(t)), cases)
}

func tryPrograms(t *testing.T, p *place, cases []programCase) {
	src := programInputs(p)
	served := httptest.NewServer(http.FileServer(http.Dir(src)))
	t.Cleanup(served.Close)
	in := []string{"SRC=" + src, "URL=" + served.URL}
	local := t.TempDir()
	m := p.begin()
	var failed sync.Map // the cases with nothing to go on with
	t.Run("first", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				failed.Store(c.name, true)
				c.try(newEnv(t, p.store), c.script, in, local, m.dir)
				if !t.Failed() {
					failed.Delete(c.name)
				}
			})
		}
	})
	m.unmount()
	m = p.begin()
	t.Run("another mount", func(t *testing.T) {
		for _, c := range cases {
			if _, ok := failed.Load(c.name); ok {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.try(newEnv(t, p.store), c.again, in, local, m.dir)
				c.compareObjects(newEnv(t, p.store), local)
			})
		}
	})
	m.unmount()
}

// try runs a script in the directories of the case in two places and compares
// what it did.
func (c programCase) try(e *env, script string, in []string, local, mount string) {
	e.Helper()
	var said, outs, dirs [2]string
	for i, where := range []string{local, mount} {
		outs[i], dirs[i] = e.TempDir(), filepath.Join(where, c.name)
		e.ok(os.MkdirAll(dirs[i], 0o755))
		cmd := exec.Command("bash", "-euc", "umask 022; set -o pipefail; "+script)
		cmd.Dir = dirs[i]
		cmd.Env = append(append(os.Environ(), in...), "LC_ALL=C", "TZ=UTC", "no_proxy=127.0.0.1",
			"MAKELEVEL=", "MAKEFLAGS=", // those of the make that runs the tests
			"OUT="+outs[i],
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
		var err error
		if said[i], err = output(e.Context(), cmd); err != nil {
			e.Fatalf("in %s: %v\n%s", filepath.Base(where), err, said[i])
		}
	}
	if said[0] != said[1] {
		e.Errorf("it says, locally:\n%s\nin the mount:\n%s", said[0], said[1])
	}
	c.compareTrees(e, outs)
	c.compareTrees(e, dirs)
}

// compareTrees compares a local tree with what is to be the same.
func (c programCase) compareTrees(e *env, dirs [2]string) {
	e.Helper()
	want, got := c.tree(e, dirs[0]), c.tree(e, dirs[1])
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if want[name] != got[name] {
			e.Errorf("%s is, locally and in the mount:\n%s\n%s", name, want[name], got[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == "" {
			e.Errorf("%s is in the mount only: %s", name, got[name])
		}
	}
}

// tree describes everything below a directory.
func (c programCase) tree(e *env, dir string) map[string]string {
	e.Helper()
	out := map[string]string{}
	e.ok(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if name == c.ignore {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		out[name], err = c.describe(path)
		return err
	}))
	return out
}

func (c programCase) describe(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	out := fmt.Sprintf("%v %d:%d", info.Mode(), st.Uid, st.Gid)
	if c.times {
		out += info.ModTime().UTC().Format(" 2006-01-02T15:04:05.000000000")
	}
	switch {
	case info.Mode().IsRegular():
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s size %d %d sha256 %x", out, info.Size(), len(content), sha256.Sum256(content)), nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return out + " -> " + target, err
	}
	return out, nil
}

// compareObjects compares the local files with what another client gets.
func (c programCase) compareObjects(e *env, local string) {
	e.Helper()
	for name, what := range c.tree(e, filepath.Join(local, c.name)) {
		if what[0] != '-' {
			continue
		}
		want, err := os.ReadFile(filepath.Join(local, c.name, name))
		e.ok(err)
		if got, there := e.get(c.name + "/" + name); !there || got != string(want) {
			e.Errorf("the object of %s is there: %v, with %d bytes, want %d", name, there, len(got), len(want))
		}
	}
}

// programInputs makes the files that the scripts take.
func programInputs(p *place) string {
	p.Helper()
	dir := p.TempDir()
	lines := ""
	for i := range 400 {
		lines += fmt.Sprintf("line %d of a text, which is a test\n", i*7919%400)
	}
	files := map[string]string{
		"text": lines, "big": noise(22<<20 + 12345), "exec": "#!/bin/sh\necho runs\n", "tree/empty": "", "tree/a/text": "a text\n",
		"tree/a/b/c/deep": noise(100_000), "tree/name with spaces": "spaces\n", "tree/100% + \"quoted\"": "x", "tree/ünïcødé": "u\n",
		"tree/read-only": "only\n", "tree/exec": "#!/bin/sh\necho runs\n", "tree/a/large": noise(1<<20 + 1),
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		p.ok(os.MkdirAll(filepath.Dir(path), 0o755))
		p.ok(os.WriteFile(path, []byte(content), 0o644))
	}
	p.ok(os.MkdirAll(filepath.Join(dir, "tree/no files"), 0o750))
	p.ok(os.Chmod(filepath.Join(dir, "exec"), 0o755))
	p.ok(os.Chmod(filepath.Join(dir, "tree/exec"), 0o755))
	p.ok(os.Chmod(filepath.Join(dir, "tree/read-only"), 0o444))
	p.ok(os.Symlink("a/text", filepath.Join(dir, "tree/link")))
	p.ok(os.Symlink("/no/where", filepath.Join(dir, "tree/a/dangling")))
	when := time.Unix(1_234_567_890, 123_456_789)
	p.ok(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(path, when, when)
	}))
	return dir
}
