package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPathsAreAbsolute prepares a mount: its daemon leaves the working directory.
func TestPathsAreAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	o, err := parseMount(t, "--state-dir", "s", "--cache-dir", "c", "--log-file", "l")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.absolutePaths(); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"state": o.stateDir, "cache": o.cacheDir, "log": o.log.file} {
		if !filepath.IsAbs(path) {
			t.Errorf("the path of %s is still %s", name, path)
		}
	}
}

func TestPathsInsideTheMountpoint(t *testing.T) {
	useKeys(t)
	dir, elsewhere := t.TempDir(), t.TempDir()
	link := filepath.Join(elsewhere, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--state-dir", dir},
		{"--state-dir", filepath.Join(dir, "not", "there")},
		{"--cache-dir", filepath.Join(link, "cache")},
		{"--log-file", filepath.Join(dir, "log")},
	} {
		status, stdout, stderr := call(t, append([]string{"mount", "bucket", dir}, args...)...)
		wantLine(t, exitUsage, status, stdout, stderr, args[0]+" "+args[1]+" is inside the mountpoint")
	}
	o := &mountOptions{mountpoint: dir, stateDir: dir + "-state", cacheDir: filepath.Dir(dir)}
	if err := o.checkOutside(); err != nil {
		t.Error(err)
	}
}
