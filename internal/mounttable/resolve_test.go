package mounttable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o755), os.Symlink("d", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"link": "d", "d/../link/": "d", "link/none": "d/none", "none/none": "none/none"} {
		if got, err := Resolve(filepath.Join(dir, path)); err != nil || got != filepath.Join(real, want) {
			t.Errorf("%s is %s, want %s below %s: %v", path, got, want, real, err)
		}
	}
}

// TestResolveFollowsAsTheKernelDoes has links whose targets go up, and one that goes
// round.
func TestResolveFollowsAsTheKernelDoes(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.MkdirAll(at("far/deep"), 0o755), os.Mkdir(at("far/here"), 0o755), os.Symlink("far/deep", at("deep")),
		os.Symlink("deep/../here", at("link")), os.Symlink(at("link"), at("again")), os.Symlink("deep/..", at("up")),
		os.Symlink("round", at("round")), os.Symlink("/proc/", at("proc"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"link": at("far/here"), "again": at("far/here"), "up": at("far"), "round": at("round"), "proc": "/proc",
	} {
		if got, err := Resolve(at(path)); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", path, got, want, err)
		}
	}
	if got, err := Resolve("/"); err != nil || got != "/" {
		t.Errorf("/ is %s: %v", got, err)
	}
}
