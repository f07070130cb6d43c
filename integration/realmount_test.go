//go:build integration

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// place is a bucket of a server, with another client of it than the mounts have.
type place struct {
	*env
	server s3server.Server
	bucket string
	flags  []string // what every mount of it is given
}

// realPlace is a new bucket of a real server.
func realPlace(t *testing.T, server s3server.Server) *place {
	t.Helper()
	bucket := bucketFor("programs")
	client := newBucket(t, server, string(server.Kind), bucket)
	return &place{newEnv(t, retry.New(client, retry.Config{})), server, bucket, nil}
}

// troubledPlace is a bucket that this process serves: the rules of its store are
// what the server does to the mount.
func troubledPlace(t *testing.T) *place {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("there is no profile of AWS")
	}
	e := newEnv(t, mem.New(p))
	http := httptest.NewServer(memhttp.New(e.store, "troubled", memhttp.PersonalityOf(&p)))
	t.Cleanup(http.CloseClientConnections)
	server := s3server.Server{Endpoint: http.URL, Region: "us-east-1", AccessKey: "sluicefs", SecretKey: "secret-of-nobody"}
	return &place{e, server, "troubled", []string{"--provider", "aws", "--path-style"}}
}

// realMount is a mount by the program itself, in a process that ends with the test.
type realMount struct {
	*place
	cli   *cli
	dir   string
	said  lockedBuffer
	cmd   *exec.Cmd
	ended chan struct{} // closed when the daemon has ended
}

// begin mounts the bucket and returns when the mount answers.
func (p *place) begin(flags ...string) *realMount {
	p.Helper()
	return p.beginIn(nil, flags...)
}

// beginIn is begin with more variables in the environment.
func (p *place) beginIn(env []string, flags ...string) *realMount {
	p.Helper()
	path, err := program()
	p.ok(err)
	m := &realMount{place: p, dir: filepath.Join(p.TempDir(), "mnt"), ended: make(chan struct{})}
	m.cli = &cli{t: p.T, path: path, server: p.server, state: filepath.Join(p.TempDir(), "state"), mnt: m.dir}
	m.cli.env = append(p.server.Env(), "SLUICEFS_STATE_DIR="+m.cli.state, "PATH="+os.Getenv("PATH"), "HOME="+p.TempDir())
	m.cli.env = append(m.cli.env, env...)
	p.ok(os.Mkdir(m.dir, 0o755))
	m.serve(flags...)
	return m
}

// serve starts the daemon.
func (m *realMount) serve(flags ...string) {
	m.Helper()
	// Patience shorter than that of the tests: a mount whose server is gone ends.
	args := append([]string{"mount", "--foreground", "--memory", "128MiB", "--retry-for", "1m"}, m.flags...)
	m.cmd = m.cli.command(append(append(args, flags...), m.bucket, m.dir)...)
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	// If the test is killed, the daemon is asked to end: a mount must not stay.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	m.ok(startWithTest(m.cmd, m.ended))
	m.Cleanup(m.end)
	waitUntil(m.T, "the mount answers", func() bool { return strings.Contains(m.said.String(), "msg=mounted") || m.isOver() })
	if m.isOver() {
		m.Fatalf("the mount has ended:\n%s", m.said.String())
	}
}

// end ends a mount that the test has not ended, because it failed.
func (m *realMount) end() {
	if m.Failed() {
		m.Logf("the daemon of %s said:\n%s", m.dir, m.said.String())
	}
	if m.isOver() && !isMounted(m.T, m.dir) {
		return
	}
	_ = exec.Command("umount", "-l", m.dir).Run() // programs that a failed test left hold it
	_ = m.cmd.Process.Kill()
	<-m.ended
	if !m.Failed() {
		m.Errorf("%s was still mounted", m.dir)
	}
}

// unmount wants everything stored, and nothing unfinished left in the bucket: not by
// this mount, and not by the others that have used it.
func (m *realMount) unmount(others ...*realMount) {
	m.Helper()
	for _, m := range append(others, m) {
		m.cli.must("umount", m.dir)
		m.wantEnd(0)
	}
	if n := m.uploads(); n != 0 {
		m.Errorf("%d unfinished uploads are left", n)
	}
}

// wantEnd waits for the end of the daemon.
func (m *realMount) wantEnd(status int) {
	m.Helper()
	m.eventually("the daemon ends", m.isOver)
	if got := m.cmd.ProcessState.ExitCode(); got != status {
		m.Errorf("exit status of the daemon %d, want %d", got, status)
	}
	if isMounted(m.T, m.dir) {
		m.Error("the daemon has ended, and its mount is there")
	}
}

func (m *realMount) isOver() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// signal sends a signal to the daemon.
func (m *realMount) signal(s syscall.Signal) {
	m.Helper()
	m.ok(m.cmd.Process.Signal(s))
}

func (m *realMount) at(name string) string { return filepath.Join(m.dir, name) }

// size is what stat says of a file; -1 if there is none.
func (m *realMount) size(name string) int64 {
	info, err := os.Stat(m.at(name))
	if err != nil {
		return -1
	}
	return info.Size()
}

// write makes a file in one go.
func (m *realMount) write(name, text string) {
	m.Helper()
	m.ok(os.WriteFile(m.at(name), []byte(text), 0o644))
}

// shows waits until the mount shows a file, or that there is none for "".
func (m *realMount) shows(name, want string) {
	m.Helper()
	m.eventually("the mount shows "+name+" as it was", func() bool {
		b, err := os.ReadFile(m.at(name))
		if want == "" {
			return errors.Is(err, os.ErrNotExist)
		}
		return err == nil && string(b) == want
	})
}

// writtenBack has the kernel give the mount what programs have written: the more
// memory a machine has, the longer the kernel keeps it.
func (m *realMount) writtenBack() {
	m.Helper()
	dir, err := os.Open(m.dir)
	m.ok(err)
	defer dir.Close()
	m.ok(unix.Syncfs(int(dir.Fd())))
}

// parts waits until parts of an unfinished upload are at the store.
func (m *realMount) parts(key string) {
	m.Helper()
	m.eventually("parts of "+key+" arrive", func() bool {
		page, err := m.store.ListUploads(m.Context(), objstore.ListUploadsOptions{Prefix: key})
		m.ok(err)
		for _, u := range page.Uploads {
			parts, err := m.store.ListParts(m.Context(), objstore.UploadRef{Key: u.Key, ID: u.ID}, 0)
			if err == nil && len(parts.Parts) > 0 {
				return true
			}
		}
		return false
	})
}

// noUploads waits until nothing unfinished is left under a key.
func (m *realMount) noUploads(key string) {
	m.Helper()
	m.eventually("the upload of "+key+" is aborted", func() bool {
		page, err := m.store.ListUploads(m.Context(), objstore.ListUploadsOptions{Prefix: key})
		m.ok(err)
		return len(page.Uploads) == 0
	})
}

// startWithTest starts a program that gets its Pdeathsig when this process ends, and
// closes ended when it was waited for.
func startWithTest(cmd *exec.Cmd, ended chan<- struct{}) error {
	started := make(chan error)
	go func() {
		defer close(ended)
		// The kernel's "parent" is the thread that forked: it has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state tells
		}
	}()
	return <-started
}

// runLimit is how long a program may take on a loaded machine.
const runLimit = time.Minute

// output runs a program to its end, or for runLimit at the most, and returns what it
// says on standard output. The error quotes the other.
func output(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	ended := make(chan struct{})
	if err := startWithTest(cmd, ended); err != nil {
		return "", err
	}
	select {
	case <-ended:
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: what it has started, too
		<-ended
		return out.String(), fmt.Errorf("%s did not end in time: %w\n%s", cmd.Args[0], ctx.Err(), errs.String())
	}
	if !cmd.ProcessState.Success() {
		return out.String(), fmt.Errorf("%s: %s\n%s", cmd.Args[0], cmd.ProcessState, errs.String())
	}
	return out.String(), nil
}

// feeder is a program that is fed through its standard input and writes a file.
type feeder struct {
	m     *realMount
	cmd   *exec.Cmd
	in    io.WriteCloser
	said  lockedBuffer // on both outputs
	ended chan struct{}
}

// feed starts a program in the mount, with messages in English.
func (m *realMount) feed(name string, args ...string) *feeder {
	m.Helper()
	w := &feeder{m: m, cmd: exec.Command(name, args...), ended: make(chan struct{})}
	w.cmd.Dir = m.dir
	w.cmd.Env = append(os.Environ(), "LC_ALL=C")
	w.cmd.Stdout, w.cmd.Stderr = &w.said, &w.said
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var err error
	w.in, err = w.cmd.StdinPipe()
	m.ok(err)
	m.ok(startWithTest(w.cmd, w.ended))
	m.Cleanup(func() {
		_ = w.cmd.Process.Kill() // unless it has ended
		_ = w.in.Close()
		<-w.ended
	})
	return w
}

// give feeds a text to the program.
func (w *feeder) give(text string) {
	w.m.Helper()
	_, err := io.WriteString(w.in, text)
	w.m.ok(err)
}

// keepGiving feeds text after text until the program does not take more. The
// channel is closed then.
func (w *feeder) keepGiving(text string) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, err := io.WriteString(w.in, text); err != nil {
				return
			}
		}
	}()
	return over
}

// wait waits for the end of the program.
func (w *feeder) wait() *os.ProcessState {
	w.m.Helper()
	w.m.eventually(w.cmd.Args[0]+" ends", func() bool {
		select {
		case <-w.ended:
			return true
		default:
			return false
		}
	})
	return w.cmd.ProcessState
}

// finish ends the input of the program, and wants it to end well.
func (w *feeder) finish() {
	w.m.Helper()
	_ = w.in.Close()
	if state := w.wait(); !state.Success() {
		w.m.Errorf("%s: %v: %s", w.cmd.Args[0], state, w.said.String())
	}
}

// kill ends the program by a signal.
func (w *feeder) kill(s syscall.Signal) {
	w.m.Helper()
	w.m.ok(w.cmd.Process.Signal(s))
	if status, ok := w.wait().Sys().(syscall.WaitStatus); !ok || status.Signal() != s {
		w.m.Errorf("%s ended with %v, not by %v: %s", w.cmd.Args[0], w.cmd.ProcessState, s, w.said.String())
	}
}
