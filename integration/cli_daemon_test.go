//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestCLIRelativePaths mounts with paths from the working directory, which the daemon
// leaves.
func TestCLIRelativePaths(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	dir, want := t.TempDir(), randomBytes(12<<20)
	c.must("mount", cliBucket, c.mnt)
	if err := os.WriteFile(filepath.Join(c.mnt, "file"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	c.must("umount", c.mnt)
	cmd := c.command("mount", "--cache-dir", "cache", "--log-file", "log", cliBucket, c.mnt)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(c.mnt, "file")); err != nil || len(got) != len(want) {
		t.Errorf("%d bytes are read (%v)", len(got), err)
	}
	c.must("umount", c.mnt)
	var kept int64
	err := filepath.Walk(filepath.Join(dir, "cache"), func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			kept += info.Size()
		}
		return err
	})
	if err != nil || kept < int64(len(want)) {
		t.Errorf("%d bytes are in the cache, want %d (%v)", kept, len(want), err)
	}
}

// TestCLIDescriptors mounts from a shell that holds a lock by an open descriptor.
func TestCLIDescriptors(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	lock := filepath.Join(t.TempDir(), "lock")
	program := c.path
	c.path = "sh"
	c.must("-c", `exec 9>"$1" 3>&9 && shift && exec "$@"`, "sh", lock, program, "mount", cliBucket, c.mnt)
	c.path = program
	links, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(c.daemon()), "fd", "*"))
	if err != nil || len(links) == 0 {
		t.Errorf("the daemon has %d descriptors (%v)", len(links), err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == lock {
			t.Errorf("the daemon has %s, as descriptor %s", lock, filepath.Base(link))
		}
	}
	c.must("umount", c.mnt)
}

// TestCLIDefaultLog looks for what a daemon has to say that nobody told where.
func TestCLIDefaultLog(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	log := filepath.Join(c.state, "log", strings.ReplaceAll(strings.TrimPrefix(c.mnt, "/"), "/", "%2F")+".log")
	said := func() string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	c.must("mount", cliBucket, c.mnt)
	if !strings.Contains(said(), "msg=mounted") {
		t.Errorf("the log is %s", said())
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the log: %v (%v)", info.Mode(), err)
	}
	// As logrotate does: the trace goes to the new file.
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	c.signal(syscall.SIGHUP)
	errorsTo := filepath.Join("/proc", strconv.Itoa(c.daemon()), "fd", "2")
	waitUntil(t, "standard error goes to the new log after SIGHUP", func() bool {
		target, err := os.Readlink(errorsTo)
		return err == nil && target == log
	})
	c.signal(syscall.SIGQUIT) // the runtime ends as with a panic
	c.ended()
	if !strings.Contains(said(), "goroutine ") {
		t.Errorf("the trace of the crash is not in the log: %s", said())
	}
	c.fails(3, "ended without a word", "umount", c.mnt)
	c.fails(1, `there is no bucket "no-bucket"`, "mount", "no-bucket", c.mnt)
	if !strings.Contains(said(), "goroutine ") {
		t.Error("a mount that failed has removed the trace")
	}
}
