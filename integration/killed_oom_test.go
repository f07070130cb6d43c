//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// pythonHungry writes a file, says so, and at the next line of its standard input
// takes more memory than there is.
const pythonHungry = `
import os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)) # should nobody stop it
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
for i in range(24): os.write(fd, b"x" * (1 << 20))
print("written", flush=True)
sys.stdin.readline()
all = []
while True: all.append(b"x" * (16 << 20))`

// hungry starts such a program, and returns when parts of its file are at the store.
func (m *realMount) hungry(key, old string) *feeder {
	m.Helper()
	if old != "" {
		m.put(key, old, nil)
		m.shows(key, old)
	}
	w := m.feed("python3", "-c", pythonHungry, key)
	waitUntil(m.T, "the file is written", func() bool { return strings.Contains(w.said.String(), "written") })
	m.writtenBack()
	m.parts(key)
	return w
}

// wasKilled wants the program to have been killed.
func (w *feeder) wasKilled() {
	w.m.Helper()
	if status, ok := w.wait().Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		w.m.Errorf("it ended with %v, not by SIGKILL: %s", w.cmd.ProcessState, w.said.String())
	}
}

// TestKilledWriterOutOfMemory has the kernel kill a writer for want of memory: what
// it wrote is not published.
func TestKilledWriterOutOfMemory(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	t.Run("group", func(t *testing.T) {
		g := newMemoryGroup(t, 64*mib)
		for key, old := range map[string]string{"new": "", "replaced": "old"} {
			w := m.in(t).hungry(key, old)
			g.add(w.cmd.Process.Pid)
			w.give("more\n")
			w.wasKilled()
			m.in(t).isAsItWas(key, old)
		}
		if n := g.kills(); n != 2 {
			t.Errorf("the kernel has killed %d programs for want of memory, want 2", n)
		}
	})
	// What sets such an end apart: the kernel takes the memory of the process before it
	// exits. Anybody may ask for the same.
	t.Run("reaped", func(t *testing.T) {
		for key, old := range map[string]string{"reaped-new": "", "reaped-replaced": "old"} {
			w := m.in(t).hungry(key, old)
			if err := killAndReap(w.cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			w.wasKilled()
			m.in(t).isAsItWas(key, old)
		}
	})
	m.unmount()
}

// killAndReap kills a process and takes its memory away, as the kernel does when
// there is too little of it. Kernels before 5.15 do not do so for others.
func killAndReap(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_PROCESS_MRELEASE, uintptr(fd), 0, 0)
	if errno != 0 && errno != unix.ESRCH && errno != unix.ENOSYS { // it may be gone already
		return errno
	}
	return nil
}

// memoryGroup is a control group whose processes share little memory.
type memoryGroup struct {
	t   *testing.T
	dir string
	// How the two versions of groups tell of kills.
	events string
}

// newMemoryGroup makes a group with so many bytes, of whichever version the machine has.
func newMemoryGroup(t *testing.T, limit int64) *memoryGroup {
	t.Helper()
	var why []string
	for _, v := range []struct{ root, limit, events string }{
		{"/sys/fs/cgroup", "memory.max", "memory.events"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"},
	} {
		dir := filepath.Join(v.root, fmt.Sprintf("sluicefs-test-%d", os.Getpid()))
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			t.Cleanup(func() {
				waitUntil(t, "the group is empty", func() bool { return os.Remove(dir) == nil })
			})
			_ = tell(filepath.Join(v.root, "cgroup.subtree_control"), "+memory") // or it is so, or the limit says
			err = tell(filepath.Join(dir, v.limit), strconv.FormatInt(limit, 10))
		}
		if err == nil {
			return &memoryGroup{t, dir, filepath.Join(dir, v.events)}
		}
		why = append(why, err.Error())
	}
	t.Skipf("no group with a limit of memory can be made: %s", strings.Join(why, "; "))
	return nil
}

// tell writes to a file that the kernel has made: not to one that it has not.
func tell(path, what string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(what)
	return errors.Join(err, f.Close())
}

// add puts a process into the group.
func (g *memoryGroup) add(pid int) {
	g.t.Helper()
	if err := tell(filepath.Join(g.dir, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
		g.t.Fatal(err)
	}
}

// kills returns how many processes of the group the kernel has killed.
func (g *memoryGroup) kills() int {
	g.t.Helper()
	b, err := os.ReadFile(g.events)
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if text, is := strings.CutPrefix(line, "oom_kill "); is {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				g.t.Fatal(err)
			}
			return n
		}
	}
	g.t.Fatalf("%s does not tell of kills: %s", g.events, b)
	return 0
}
