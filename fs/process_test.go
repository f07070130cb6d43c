package fs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// proc makes a folder that looks like /proc.
func proc(t *testing.T, files map[string]string) processes {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := newProcesses(&sync.WaitGroup{})
	p.root = root
	return p
}

// statLine is /proc/PID/stat with the fields that matter.
func statLine(name string, flags, exitCode int) string {
	fields := []string{"42", "(" + name + ")", "R"}
	for n := 4; n <= 52; n++ {
		switch n {
		case 9:
			fields = append(fields, fmt.Sprint(flags))
		case 52:
			fields = append(fields, fmt.Sprint(exitCode))
		default:
			fields = append(fields, "7")
		}
	}
	return strings.Join(fields, " ") + "\n"
}

func TestKilled(t *testing.T) {
	const exiting, signaled = 0x4, 0x400
	const gone, lives = "Name:\tcat\nTgid:\t41\nPid:\t42\n", "Name:\tcat\nTgid:\t41\nPid:\t42\nVmSize:\t    4 kB\n"
	for name, c := range map[string]struct {
		status, leader string
		want           bool
	}{
		"closes by itself":                {lives, statLine("cat", 0, 0), false},
		"_exit(0)":                        {gone, statLine("cat", exiting, 0), false},
		"_exit(3)":                        {gone, statLine("cat", exiting, 3<<8), false},
		"SIGKILL":                         {gone, statLine("cat", exiting|signaled, 9), true},
		"SIGINT":                          {gone, statLine("cat", exiting|signaled, 2), true},
		"SIGSEGV with a core":             {gone, statLine("cat", exiting|signaled, 0x80|11), true},
		"a name with brackets and spaces": {gone, statLine(") 1 2 (x) R", exiting|signaled, 9), true},
		"a worker of a process that exits by itself": {gone, statLine("l", exiting, 0), false},
		"a worker that ends, its process goes on":    {gone, statLine("l", 0, 0), false},
		"cut short": {gone, "41 (cat) R 1 2", false},
		"no leader": {"Name:\tcat\n", statLine("cat", exiting|signaled, 9), false},
	} {
		p := proc(t, map[string]string{"42/status": c.status, "41/stat": c.leader})
		if got := p.killed(42); got != c.want {
			t.Errorf("%s: killed = %v, want %v", name, got, c.want)
		}
	}
	if proc(t, nil).killed(0) || proc(t, nil).killed(99) {
		t.Error("a process that cannot be seen counts as killed")
	}
}

func TestStarting(t *testing.T) {
	status := func(tgid int, memory string) string { return fmt.Sprintf("Name:\tsh\nTgid:\t%d\n%s", tgid, memory) }
	const runs, execs = "VmSize:\t  900 kB\nVmExe:\t  100 kB\nVmLib:\t    0 kB\n", "VmSize:\t    4 kB\nVmExe:\t    0 kB\nVmLib:\t    0 kB\n"
	for name, c := range map[string]struct {
		child, parent string
		shares, want  bool
	}{
		"execve":                       {status(42, execs), status(41, runs), false, true},
		"vfork":                        {status(42, runs), status(41, runs), true, true},
		"fork":                         {status(42, runs), status(41, runs), false, false},
		"exit":                         {status(42, ""), status(41, runs), false, false},
		"a thread":                     {status(41, runs), status(41, runs), true, false},
		"execve of who opened it":      {status(41, execs), status(41, execs), true, false},
		"who opened it is not there":   {status(42, execs), "", false, false},
		"the child cannot be seen":     {"", status(41, runs), false, false},
		"a program with shared code":   {status(42, "VmSize:\t 9 kB\nVmExe:\t 0 kB\nVmLib:\t 8 kB\n"), status(41, runs), false, false},
		"a kernel that tells no VmLib": {status(42, "VmSize:\t 9 kB\n"), status(41, runs), false, false},
	} {
		p := proc(t, map[string]string{"42/status": c.child, "41/status": c.parent})
		p.shareMemory = func(a, b uint32) bool { return c.shares }
		if got := p.starting(42, 41); got != c.want {
			t.Errorf("%s: starting = %v, want %v", name, got, c.want)
		}
	}
}

// A process that holds a lock which its files in /proc wait for must not hold us.
func TestQuestionsAreNotWaitedForLong(t *testing.T) {
	p := proc(t, map[string]string{"42/stat": ""})
	if err := syscall.Mkfifo(filepath.Join(p.root, "42", "status"), 0o600); err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	for range maxProbes + 5 { // also when all who ask are stuck
		asking.Go(func() {
			if p.killed(42) {
				t.Error("no answer was taken for yes")
			}
		})
	}
	asking.Wait()
	// Let those who wait go on.
	f, err := os.OpenFile(filepath.Join(p.root, "42", "status"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p.wg.Wait()
}

func TestDying(t *testing.T) {
	for status, want := range map[string]bool{
		"SigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n": true,
		"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n": true,
		"SigPnd:\t0000000000400000\nShdPnd:\t0000000000400000\n": false, // SIGURG
		"": false,
	} {
		if got := proc(t, map[string]string{"42/status": status}).dying(42); got != want {
			t.Errorf("dying of %q = %v, want %v", status, got, want)
		}
	}
}

func TestLastDescriptor(t *testing.T) {
	info := func(ino int) string { return fmt.Sprintf("pos:\t0\nflags:\t0100002\nmnt_id:\t27\nino:\t%d\n", ino) }
	p := proc(t, map[string]string{"42/fdinfo/0": info(1), "42/fdinfo/1": info(2), "43/fdinfo/0": "pos:\t0\n"})
	if !p.lastDescriptor(42, 7) {
		t.Error("nothing else refers to the file, and it is not the last")
	}
	if p.lastDescriptor(42, 2) {
		t.Error("a descriptor that refers to the file was not seen")
	}
	if p.lastDescriptor(43, 7) {
		t.Error("a kernel that does not tell is believed")
	}
	if p.lastDescriptor(44, 7) || p.lastDescriptor(0, 7) {
		t.Error("a process that cannot be seen has no other descriptor")
	}
	many := map[string]string{}
	for n := range maxDescriptors + 1 {
		many[fmt.Sprintf("42/fdinfo/%d", n)] = info(1)
	}
	if proc(t, many).lastDescriptor(42, 7) {
		t.Error("a process with too many descriptors to look at has no other one")
	}
}

func TestSame(t *testing.T) {
	p := proc(t, map[string]string{"41/status": "Tgid:\t41\n", "42/status": "Tgid:\t41\n", "43/status": "Tgid:\t43\n"})
	for _, c := range []struct {
		a, b uint32
		want bool
	}{{41, 41, true}, {41, 42, true}, {42, 43, false}, {42, 99, false}, {98, 99, false}, {0, 0, false}, {0, 41, false}} {
		if got := p.same(c.a, c.b); got != c.want {
			t.Errorf("same(%d, %d) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
