//go:build integration

package integration

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/s3server"
)

// program builds the command line program once a process, into the ignored folder
// of built programs. Where the tests look for races, so does the program. Processes
// that need it at the same time do so one after the other: what one has built is up to
// date for the next, which spares it the linking.
var program = sync.OnceValues(func() (string, error) {
	name, flags := "sluicefs-cli-test", []string{"build", "-buildvcs=false"}
	if underRace {
		name, flags = name+"-race", append(flags, "-race")
	}
	path, err := filepath.Abs(filepath.Join("../.bin", name))
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", path, err)
	}
	out, err := exec.Command("go", append(flags, "-o", path, "../cmd/sluicefs")...).CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// cli calls the program as a user would, against a server of its own.
type cli struct {
	t      *testing.T
	path   string
	server s3server.Server
	env    []string
	state  string
	mnt    string
}

const cliBucket = "cli-bucket"

func newCLI(t *testing.T) *cli {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := &cli{t: t, path: path, server: s3server.VersityGW(t), state: filepath.Join(t.TempDir(), "state"), mnt: filepath.Join(t.TempDir(), "mnt")}
	if err := errors.Join(os.Mkdir(c.mnt, 0o755), c.server.MakeBucket(cliBucket)); err != nil {
		t.Fatal(err)
	}
	// If we are killed, so is the server: a daemon that has bytes for it shall give up
	// before mounttest.Killed does.
	c.env = append(c.server.Env(), "SLUICEFS_RETRY_FOR=5s", "SLUICEFS_STATE_DIR="+c.state, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	t.Cleanup(func() {
		if isMounted(t, c.mnt) {
			t.Errorf("%s is still mounted", c.mnt)
			_ = exec.Command("umount", "-l", c.mnt).Run()
		}
	})
	return c
}

func (c *cli) command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.path, args...)
	cmd.Env = c.env
	return cmd
}

// run calls the program and returns what came of it.
func (c *cli) run(args ...string) (status int, stdout, stderr string) {
	c.t.Helper()
	cmd := c.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			c.t.Fatal(err)
		}
	}
	if strings.Contains(out.String()+errs.String(), c.server.SecretKey) {
		c.t.Errorf("sluicefs %q shows the secret key", args)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// must wants silence and success.
func (c *cli) must(args ...string) {
	c.t.Helper()
	if status, stdout, stderr := c.run(args...); status != 0 || stdout+stderr != "" {
		c.t.Fatalf("sluicefs %q: exit status %d\n%s%s", args, status, stdout, stderr)
	}
}

// fails wants an exit status and one line with a text in it.
func (c *cli) fails(wantStatus int, want string, args ...string) {
	c.t.Helper()
	status, _, stderr := c.run(args...)
	if status != wantStatus || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
		c.t.Errorf("sluicefs %q: exit status %d, %q; want %d, %q", args, status, stderr, wantStatus, want)
	}
}

// daemon returns the process that serves the mount.
func (c *cli) daemon() int {
	c.t.Helper()
	var info struct{ PID int }
	c.readRecord("mount.json", &info)
	return info.PID
}

// verdict returns what the daemon said at its end.
func (c *cli) verdict() (v struct {
	Stored bool
	Reason string
	Files  []struct{ Key, Error string }
}) {
	c.t.Helper()
	c.readRecord("verdict.json", &v)
	return v
}

func (c *cli) readRecord(name string, into any) {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.state, "mounts", "*", name))
	if err != nil || len(files) != 1 {
		c.t.Fatalf("%d files %s in %s (%v)", len(files), name, c.state, err)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cli) signal(sig syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(c.daemon(), sig); err != nil {
		c.t.Fatal(err)
	}
}

// ended waits for the end of the daemon, by the pipe that it keeps open.
func (c *cli) ended() {
	c.t.Helper()
	pipes, err := filepath.Glob(filepath.Join(c.state, "mounts", "*", "alive"))
	if err != nil || len(pipes) != 1 {
		c.t.Fatal(pipes, err)
	}
	f, err := os.OpenFile(pipes[0], os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("the daemon does not end: %v", err)
	}
}

// writer is a program that has a file of the mount open. It is not the test
// itself, whose open files would go through the start of each other program.
type writer struct {
	t    *testing.T
	path string
	cmd  *exec.Cmd
	in   io.WriteCloser
	size int64
}

func (c *cli) writer(name string) *writer {
	c.t.Helper()
	w := &writer{t: c.t, path: filepath.Join(c.mnt, name)}
	w.cmd = exec.Command("dd", "of="+w.path, "bs=64K", "status=none")
	var err error
	if w.in, err = w.cmd.StdinPipe(); err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// write returns when the file has the bytes.
func (w *writer) write(p []byte) {
	w.t.Helper()
	if _, err := w.in.Write(p); err != nil {
		w.t.Fatal(err)
	}
	w.size += int64(len(p))
	waitUntil(w.t, "the file has what was written", func() bool {
		info, err := os.Stat(w.path)
		return err == nil && info.Size() == w.size
	})
}

// close closes the file and returns what the program says of it.
func (w *writer) close() error {
	return errors.Join(w.in.Close(), w.cmd.Wait())
}

// waitUntil looks until something is so.
func waitUntil(t *testing.T, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(time.Minute); !so(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}

func isMounted(t *testing.T, path string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(table), " "+path+" ")
}

// stored returns what the store has under a key: versitygw keeps objects as files.
func (c *cli) stored(key string) ([]byte, error) {
	return os.ReadFile(filepath.Join(c.server.Dir, cliBucket, key))
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.Read(p) // never fails
	return p
}

func TestCLIMountAndUmount(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	if !isMounted(t, c.mnt) {
		t.Fatal("mount returned, and nothing is mounted")
	}
	command, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.daemon()), "cmdline"))
	if err != nil || !bytes.Contains(command, []byte("mount\x00"+cliBucket)) || bytes.Contains(command, []byte(c.server.SecretKey)) {
		t.Errorf("ps shows %q (%v)", command, err)
	}
	want := randomBytes(24 << 20)
	if err := os.WriteFile(filepath.Join(c.mnt, "file"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	c.fails(1, "is busy: ", "mount", cliBucket, c.mnt)
	c.must("umount", c.mnt)
	if got, err := c.stored("file"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the store has %d other bytes (%v)", len(got), err)
	}
	if v := c.verdict(); !v.Stored || len(v.Files) != 0 {
		t.Errorf("the verdict is %+v", v)
	}
	c.must("umount", c.mnt) // tells the same again
}

func TestCLIRefusals(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.fails(1, `there is no bucket "no-bucket"`, "mount", "no-bucket", c.mnt)
	c.fails(1, "cannot connect to http://127.0.0.1:1", "mount", "--endpoint", "http://127.0.0.1:1", cliBucket, c.mnt)
	c.fails(1, "is not a directory", "mount", cliBucket, c.path)
	c.fails(1, "does not exist: make it with mkdir -p", "mount", cliBucket, filepath.Join(c.mnt, "none"))
	c.fails(1, "is not empty", "mount", cliBucket, c.server.Dir)
	c.fails(2, "--memory much: want a size", "mount", "--memory", "much", cliBucket, c.mnt)
	c.fails(2, "did you mean --endpoint?", "mount", "--endpiont", "x", cliBucket, c.mnt)
	c.fails(1, "open the log file", "mount", "--log-file", filepath.Join(c.server.Dir, "no", "log"), cliBucket, c.mnt)
	right := c.env
	c.env = append(slices.Clone(right), "AWS_SECRET_ACCESS_KEY=wrong")
	c.fails(1, "the secret key is wrong", "mount", cliBucket, c.mnt)
	c.env = append(slices.Clone(right), "AWS_ACCESS_KEY_ID=nobody")
	c.fails(1, "does not know the access key", "mount", cliBucket, c.mnt)
	if isMounted(t, c.mnt) {
		t.Error("something is mounted after all")
	}
}

// TestCLIWithoutFuse mounts where the kernel offers no FUSE.
func TestCLIWithoutFuse(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	program := c.path
	c.path = "unshare"
	args := []string{"--mount", "sh", "-c", `mount -t tmpfs none /dev && exec "$0" "$@"`, program, "mount", cliBucket, c.mnt}
	if os.Geteuid() != 0 {
		args = append([]string{"--map-root-user"}, args...)
	}
	c.fails(1, "/dev/fuse is missing: load the kernel module", args...)
}

func TestCLIBusyUmount(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	w := c.writer("file")
	w.write([]byte("still "))
	c.fails(1, "files are open in dd (pid "+strconv.Itoa(w.cmd.Process.Pid)+")", "umount", c.mnt)
	w.write([]byte("there"))
	if err := w.close(); err != nil {
		t.Error(err)
	}
	c.must("umount", c.mnt)
	if got, err := c.stored("file"); string(got) != "still there" {
		t.Errorf("the store has %q (%v)", got, err)
	}
}

func TestCLITerminate(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	w := c.writer("file")
	w.write([]byte("one"))
	c.signal(syscall.SIGTERM)
	// The daemon waits for the file, however long its writer takes.
	w.write([]byte(" two"))
	if err := w.close(); err != nil {
		t.Error(err)
	}
	c.ended()
	if got, err := c.stored("file"); string(got) != "one two" {
		t.Errorf("the store has %q (%v)", got, err)
	}
	if v := c.verdict(); !v.Stored || isMounted(t, c.mnt) {
		t.Errorf("the verdict is %+v; mounted: %v", v, isMounted(t, c.mnt))
	}
}

func TestCLITerminateTwice(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var out, errs lockedBuffer
	cmd := c.command("mount", "--foreground", "--write-back=false", cliBucket, c.mnt) // else the kernel keeps the last pages for 30 s
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "it is mounted", func() bool { return strings.Contains(errs.String(), "mounted") })
	w := c.writer("file")
	w.write(randomBytes(64 << 20))
	// A part that is on its way when its upload is aborted may arrive behind the
	// abort, in any S3: so all of them arrive first.
	uploads := filepath.Join(c.server.Dir, cliBucket, ".sgwtmp", "multipart", "*")
	waitUntil(t, "all parts of 8 MiB are stored", func() bool {
		parts, err := filepath.Glob(filepath.Join(uploads, "*", "[0-9]*"))
		return err == nil && len(parts) == 8
	})
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the signal has come", func() bool { return strings.Contains(errs.String(), "asked to end") })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := w.close(); err == nil {
		t.Error("a file that was given up is closed as if nothing were")
	}
	if status := cmd.ProcessState.ExitCode(); status != 3 {
		t.Errorf("exit status %d, want 3:\n%s%s", status, out.String(), errs.String())
	}
	if v := c.verdict(); v.Stored || isMounted(t, c.mnt) {
		t.Errorf("the verdict is %+v; mounted: %v", v, isMounted(t, c.mnt))
	}
	if _, err := c.stored("file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a file was published (%v)", err)
	}
	if left, err := filepath.Glob(uploads); err != nil || len(left) != 0 {
		t.Errorf("unfinished uploads are left: %q (%v)", left, err)
	}
}

func TestCLIKilledDaemon(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", cliBucket, c.mnt)
	c.signal(syscall.SIGKILL)
	c.ended()
	c.fails(1, "left from a mount whose daemon ended", "mount", cliBucket, c.mnt)
	c.fails(3, "ended without a word", "umount", c.mnt)
	if isMounted(t, c.mnt) {
		t.Error("umount leaves a dead mount behind")
	}
}

func TestCLIFstabForms(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	if err := os.WriteFile(filepath.Join(c.server.Dir, cliBucket, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	helper := filepath.Join(t.TempDir(), "mount.sluicefs")
	if err := os.Symlink(c.path, helper); err != nil {
		t.Fatal(err)
	}
	plain := c.path
	for _, path := range []string{plain, helper} {
		c.path = path
		c.must(cliBucket, c.mnt, "-o", "ro,noauto,_netdev,x-systemd.automount,file_mode=640,provider=versitygw")
		info, err := os.Stat(filepath.Join(c.mnt, "file"))
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: the file is %v (%v)", path, info, err)
		}
		if err := os.WriteFile(filepath.Join(c.mnt, "new"), nil, 0o644); err == nil {
			t.Errorf("%s: a file is made in a read-only mount", path)
		}
		c.path = plain
		c.must("umount", c.mnt)
	}
	c.path = helper
	c.fails(2, `unknown option "frob"`, cliBucket, c.mnt, "-o", "rw,frob")
}

func TestCLILogFile(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	path := filepath.Join(t.TempDir(), "log")
	c.must("mount", "--log-file", path, "--log-format", "json", "--log-level", "debug", cliBucket, c.mnt)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	c.signal(syscall.SIGHUP)
	waitUntil(t, "SIGHUP opens the log file anew", func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
	c.must("umount", c.mnt)
	for file, want := range map[string]string{path + ".1": `"msg":"mounted"`, path: `"msg":"unmounted"`} {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte(want)) || bytes.Contains(text, []byte(c.server.SecretKey)) {
			t.Errorf("%s is (%v):\n%s", filepath.Base(file), err, text)
		}
	}
}

func TestCLIPrefix(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("mount", "s3://"+cliBucket+"/below/this", c.mnt)
	if err := os.WriteFile(filepath.Join(c.mnt, "file"), []byte("content"), 0o644); err != nil {
		t.Error(err)
	}
	c.must("umount", c.mnt)
	if got, err := c.stored("below/this/file"); string(got) != "content" {
		t.Errorf("the store has %q (%v)", got, err)
	}
}
