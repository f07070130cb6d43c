//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCLIMountAll asks mount -a to mount what is mounted already: it has to see that.
func TestCLIMountAll(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	for _, spec := range []string{cliBucket, cliBucket + "/below/this", "s3://" + cliBucket + "/a b, c"} {
		table := filepath.Join(t.TempDir(), "fstab")
		line := strings.ReplaceAll(spec, " ", `\040`) + " " + c.mnt + " sluicefs _netdev,nofail 0 0\n"
		if err := os.WriteFile(table, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		c.must("mount", spec, c.mnt)
		out, err := exec.Command("mount", "-a", "-v", "-T", table).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "already mounted") {
			t.Errorf("mount -a of %s: %v, %s", spec, err, out)
		}
		c.fails(1, spec+" is mounted there", "mount", spec, c.mnt)
		c.must("umount", c.mnt)
	}
}

// TestCLIUserMount has what mount(8) makes of the option user of fstab.
func TestCLIUserMount(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	for options, want := range map[string]bool{"rw,user,noexec,nosuid,nodev": false, "ro,noexec": false, "rw,users,exec,nosuid,nodev": true} {
		c.must(cliBucket, c.mnt, "-o", options+",file_mode=755")
		script := filepath.Join(c.server.Dir, cliBucket, "script")
		if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command(filepath.Join(c.mnt, "script")).Run(); (err == nil) != want {
			t.Errorf("%s: a program in the mount ends with %v", options, err)
		}
		c.must("umount", c.mnt)
	}
}

// TestCLIFakeMount is called as by mount -f.
func TestCLIFakeMount(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	helper := filepath.Join(t.TempDir(), "mount.sluicefs")
	if err := os.Symlink(c.path, helper); err != nil {
		t.Fatal(err)
	}
	c.path = helper
	c.must(cliBucket, c.mnt, "-f", "-o", "rw")
	if isMounted(t, c.mnt) {
		t.Error("it is mounted")
	}
}
