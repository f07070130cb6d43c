//go:build integration

package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
)

// childVariable makes this test program a program of its own: what it does is in
// the variable, and its working directory and arguments are those of a child.
const childVariable = "SLUICEFS_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		if err := runChild(what, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := findPython(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(mounttest.Main(m, stopServers))
}

// findPython has python3 be the interpreter itself and not a wrapper that looks for it
// each time: such a one (pyenv) starts some twenty processes, takes ten times as
// long, and is what a test would kill instead of the program.
func findPython() error {
	found, err := exec.LookPath("python3")
	if err != nil {
		return err
	}
	out, err := exec.Command(found, "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return fmt.Errorf("ask %s where it is: %w", found, err)
	}
	dir := filepath.Dir(strings.TrimSpace(string(out)))
	if dir == filepath.Dir(found) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "python3")); err != nil {
		return fmt.Errorf("python3 is in a folder where it has another name: %w", err)
	}
	return os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// runChild is what a program of its own does.
func runChild(what string, args []string) error {
	switch what {
	case "mmap":
		return childMmap(args[0], args[1], false)
	case "late mmap":
		return childMmap(args[0], args[1], true)
	case "hold":
		return childHold(args[0], args[1])
	case "spawn":
		return childSpawn(args[0], args[1])
	case "python":
		return childPython(args[0], args[1])
	}
	return fmt.Errorf("do not know how to %s", what)
}

// childMmap writes a text into a file through a shared mapping, if it is late
// after the file was closed.
func childMmap(path, text string, late bool) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, len(text), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	if late {
		if err := f.Close(); err != nil {
			return err
		}
	}
	copy(b, text)
	if err := syscall.Munmap(b); err != nil || late {
		return err
	}
	return f.Close()
}

// childHold writes a text into a file, says so on standard error, and ends without
// closing when its standard input does. "noise N" is a text of N bytes.
func childHold(path, text string) error {
	signal.Ignore(syscall.SIGUSR1)
	var size int
	if _, err := fmt.Sscanf(text, "noise %d", &size); err == nil {
		text = noise(size)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "written")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	syscall.Exit(0) // without a close, as programs do that leave it to the kernel
	return nil
}

// childSpawn writes a text into a file, starts a program, which closes its copy of
// the descriptor when it begins, and says so. When its standard input ends, it
// writes the rest.
func childSpawn(path, text string) error {
	// The first one that Go starts comes after a child that ends at once, to try
	// something out, and that has every file.
	if err := exec.Command("true").Run(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	if err := exec.Command("true").Run(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "started")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if _, err := f.WriteString("a file"); err != nil {
		return err
	}
	return f.Close()
}

// childPython does the same in Python, which closes the copy before the program begins.
func childPython(path, text string) error {
	name, err := exec.LookPath("python3")
	if err != nil {
		return err
	}
	return syscall.Exec(name, []string{name, "-c", `
import subprocess, sys
with open(sys.argv[1], "w") as f:
    f.write(sys.argv[2])
    f.flush()
    subprocess.run(["true"])
    print("started", file=sys.stderr, flush=True)
    sys.stdin.read()
    f.write("a file")`, path, text}, os.Environ())
}

// child is a program that this test program has started as another process.
type child struct {
	e     *env
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  *bufio.Reader
}

// start starts a child in the mount.
func (e *env) start(m *mounttest.Mount, what string, args ...string) *child {
	e.Helper()
	self, err := os.Executable()
	e.ok(err)
	cmd := m.Command(`exec "$CHILD_PROGRAM" ` + quoted(args))
	cmd.Env = append(cmd.Env, childVariable+"="+what, "CHILD_PROGRAM="+self)
	c := &child{e: e, cmd: cmd}
	c.stdin, err = cmd.StdinPipe()
	e.ok(err)
	stderr, err := cmd.StderrPipe()
	e.ok(err)
	c.said = bufio.NewReader(stderr)
	e.ok(cmd.Start())
	e.Cleanup(func() {
		c.stdin.Close()
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return c
}

func quoted(args []string) string {
	var out []string
	for _, a := range args {
		out = append(out, "'"+a+"'")
	}
	return strings.Join(out, " ")
}

// expect waits until the child has said a line.
func (c *child) expect(line string) {
	c.e.Helper()
	got, err := c.said.ReadString('\n')
	if err != nil || strings.TrimSpace(got) != line {
		c.e.Fatalf("the child says %q, %v; want %q", got, err, line)
	}
}

// kill ends the child with a signal.
func (c *child) kill(s syscall.Signal) {
	c.e.Helper()
	c.e.ok(c.cmd.Process.Signal(s))
	_ = c.cmd.Wait() // says which signal it was
}

// finish lets the child end by itself.
func (c *child) finish() {
	c.e.Helper()
	c.stdin.Close() // or it was before
	rest, _ := io.ReadAll(c.said)
	if err := c.cmd.Wait(); err != nil {
		c.e.Fatalf("the child: %v: %s", err, rest)
	}
}
