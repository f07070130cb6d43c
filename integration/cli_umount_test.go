//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCLIUmountLeavesOthersAlone mounts something else above our mount, and another one
// of ours: umount takes off neither.
func TestCLIUmountLeavesOthersAlone(t *testing.T) {
	needsTmpfs(t)
	t.Parallel()
	c, other := newCLI(t), newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	mustRun(t, "mount", "-t", "tmpfs", "none", c.mnt)
	c.fails(1, "another mount, of type tmpfs, lies on that on "+c.mnt, "umount", c.mnt)
	mustRun(t, "umount", c.mnt) // the tmpfs, which is still there
	other.must("mount", cliBucket, other.mnt)
	mustRun(t, "mount", "--bind", other.mnt, c.mnt)
	c.fails(1, "another mount, of type fuse.sluicefs, lies on that on "+c.mnt, "umount", c.mnt)
	mustRun(t, "umount", c.mnt)
	other.must("umount", other.mnt)
	c.must("umount", c.mnt)
}

// TestCLITerminateBelowAnotherMount ends a daemon while another mount lies above its own:
// that one stays, and umount can take away what is left when it is gone.
func TestCLITerminateBelowAnotherMount(t *testing.T) {
	needsTmpfs(t)
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	if err := os.WriteFile(filepath.Join(c.mnt, "file"), []byte("content"), 0o644); err != nil {
		t.Error(err)
	}
	mustRun(t, "mount", "-t", "tmpfs", "none", c.mnt)
	c.signal(syscall.SIGTERM)
	c.ended()
	mustRun(t, "umount", c.mnt) // the tmpfs, which is still there
	c.fails(1, "the daemon of "+c.mnt+" has ended", "status", c.mnt)
	c.must("umount", c.mnt)
	if isMounted(t, c.mnt) {
		t.Error("the mount is still there")
	}
}

// TestCLIUmountOfAHungMount has a daemon that answers nothing: each call ends, and
// what it says is told again when the daemon goes on.
func TestCLIUmountOfAHungMount(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(c.mnt, link); err != nil {
		t.Fatal(err)
	}
	c.signal(syscall.SIGSTOP)
	c.stopped()
	resume := func() { _ = syscall.Kill(c.daemon(), syscall.SIGCONT) }
	defer resume()
	c.ends(30*time.Second, 1, "is busy: "+cliBucket, "mount", cliBucket, c.mnt)
	c.ends(30*time.Second, 1, "the time was over before", "umount", "--timeout", "1s", filepath.Join(c.mnt, "below"))
	c.ends(30*time.Second, 4, "wait for it with sluicefs umount", "umount", "--timeout", "1s", link)
	if isMounted(t, c.mnt) {
		t.Error("it is still mounted")
	}
	resume()
	c.ended()
	c.must("umount", c.mnt)
}

// stopped waits until no thread of the daemon goes on: one that had taken a request would leave
// who asked waiting beyond his end.
func (c *cli) stopped() {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		going := 0
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", c.daemon()))
		for _, path := range all {
			stat, err := os.ReadFile(path)
			if err == nil && !strings.HasPrefix(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " T") {
				going++
			}
		}
		if len(all) > 0 && going == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%d of %d threads go on", going, len(all))
		}
	}
}

// ends is as fails, and wants the end within a time.
func (c *cli) ends(within time.Duration, wantStatus int, want string, args ...string) {
	c.t.Helper()
	cmd := c.command(args...)
	var errs lockedBuffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	late := time.AfterFunc(within, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != wantStatus || !strings.Contains(errs.String(), want) {
		c.t.Errorf("sluicefs %q: exit status %d, %q; want %d, %q", args, status, errs.String(), wantStatus, want)
	}
}

// TestCLIUmountWithAFullStateDirectory has no room for the verdict but that which was
// taken at the beginning.
func TestCLIUmountWithAFullStateDirectory(t *testing.T) {
	needsTmpfs(t)
	t.Parallel()
	c := newCLI(t)
	mustRun(t, "mkdir", c.state)
	mustRun(t, "mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", c.state)
	defer mustRun(t, "umount", c.state)
	c.must("mount", cliBucket, c.mnt)
	if err := os.WriteFile(filepath.Join(c.mnt, "file"), []byte("content"), 0o644); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(c.state, "full"), make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the state directory is not full: %v", err)
	}
	gone := c.exit()
	c.must("umount", c.mnt)
	if v := c.verdict(); !v.Stored {
		t.Errorf("the verdict is %+v", v)
	}
	gone() // its log is in the state directory
}

// exit returns what waits until the daemon, which runs now, has no file open any more.
func (c *cli) exit() (wait func()) {
	c.t.Helper()
	fd, err := unix.PidfdOpen(c.daemon(), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	return func() {
		c.t.Helper()
		defer unix.Close(fd)
		n, err := 0, error(unix.EINTR)
		for err == unix.EINTR {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		}
		if n != 1 || err != nil {
			c.t.Fatalf("the daemon does not end: %v", err)
		}
	}
}

// needsTmpfs skips a test that mounts one, as the table of skips says.
func needsTmpfs(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the kernel lets only root mount a tmpfs")
	}
}

func mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// TestCLIStatusOfAKilledDaemon finds a mount that nobody serves any more.
func TestCLIStatusOfAKilledDaemon(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	c.signal(syscall.SIGKILL)
	c.ended()
	for _, args := range [][]string{{"status"}, {"status", c.mnt}} {
		c.fails(1, "the daemon of "+c.mnt+" has ended: run sluicefs umount "+c.mnt, args...)
		_, out, _ := c.run(append(args, "--json")...)
		var mounts []struct {
			Mountpoint string
			Alive      *bool
			Uploads    []any
		}
		if err := json.Unmarshal([]byte(out), &mounts); err != nil || len(mounts) != 1 || mounts[0].Mountpoint != c.mnt ||
			mounts[0].Alive == nil || *mounts[0].Alive || mounts[0].Uploads == nil {
			t.Errorf("%q prints %s (%v)", args, out, err)
		}
	}
	c.fails(3, "ended without a word", "umount", c.mnt)
	c.fails(1, "nothing is mounted on", "status", c.mnt)
	if status, out, _ := c.run("status", "--json"); status != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("after the umount: %d, %s", status, out)
	}
}

// TestCLIUmountNamesTheMountBelow has another mount on a directory of ours.
func TestCLIUmountNamesTheMountBelow(t *testing.T) {
	needsTmpfs(t)
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	below := filepath.Join(c.mnt, "below")
	mustRun(t, "mkdir", below)
	mustRun(t, "mount", "-t", "tmpfs", "none", below)
	c.fails(1, "another mount, of type tmpfs, is below it on "+below, "umount", c.mnt)
	mustRun(t, "umount", below)
	c.must("umount", c.mnt)
}
