package fs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	return processes{root: root}
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
	for name, c := range map[string]struct {
		thread, leader string // leader "" means that the thread is the leader
		want           bool
	}{
		"closes by itself":                {statLine("cat", 0, 0), "", false},
		"_exit(0)":                        {statLine("cat", exiting, 0), "", false},
		"_exit(3)":                        {statLine("cat", exiting, 3<<8), "", false},
		"SIGKILL":                         {statLine("cat", exiting|signaled, 9), "", true},
		"SIGINT":                          {statLine("cat", exiting|signaled, 2), "", true},
		"SIGSEGV with a core":             {statLine("cat", exiting|signaled, 0x80|11), "", true},
		"a name with brackets and spaces": {statLine(") 1 2 (x) R", exiting|signaled, 9), "", true},
		"a worker of a process that exits by itself": {statLine("w", exiting|signaled, 0), statLine("l", exiting, 0), false},
		"a worker of a process that is killed":       {statLine("w", exiting|signaled, 0), statLine("l", exiting|signaled, 15), true},
		"a worker that ends, its process goes on":    {statLine("w", exiting, 0), statLine("l", 0, 0), false},
		"not readable": {"", "", false},
		"cut short":    {"42 (cat) R 1 2", "", false},
	} {
		files := map[string]string{"42/stat": c.thread, "42/status": "Name:\tcat\nTgid:\t42\n"}
		if c.leader != "" {
			files["42/status"] = "Name:\tcat\nTgid:\t41\nPid:\t42\n"
			files["41/stat"] = c.leader
		}
		if got := proc(t, files).killed(42); got != c.want {
			t.Errorf("%s: killed = %v, want %v", name, got, c.want)
		}
	}
	if proc(t, nil).killed(0) || proc(t, nil).killed(99) {
		t.Error("a process that cannot be seen counts as killed")
	}
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
	p := proc(t, map[string]string{"42/stat": ""})
	fd := filepath.Join(p.root, "42", "fd")
	if err := os.Mkdir(fd, 0o755); err != nil {
		t.Fatal(err)
	}
	for n, target := range []string{"/dev/null", "/mnt/dir/other", "pipe:[1]"} {
		if err := os.Symlink(target, filepath.Join(fd, fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	if !p.lastDescriptor(42, "f") {
		t.Error("nothing else refers to the file, and it is not the last")
	}
	if p.lastDescriptor(42, "other") {
		t.Error("a descriptor that refers to the file was not seen")
	}
	if p.lastDescriptor(43, "f") || p.lastDescriptor(0, "f") {
		t.Error("a process that cannot be seen has no other descriptor")
	}
	for n := range maxDescriptors {
		if err := os.Symlink("/dev/null", filepath.Join(fd, fmt.Sprint(n+100))); err != nil {
			t.Fatal(err)
		}
	}
	if p.lastDescriptor(42, "f") {
		t.Error("a process with too many descriptors to look at has no other one")
	}
}
