package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Go program cannot fork, so the daemon is this program started again with the
// same arguments and one more variable in its environment, which says by which
// inherited pipe it is to tell how the mount went. Secrets are in the
// environment alone, never in the arguments.
const (
	daemonVariable = "_SLUICEFS_DAEMON"
	readyPipe      = 3 // the first descriptor behind the standard ones
)

// readiness is what the daemon says once, when the mount answers or has failed.
type readiness struct {
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
}

// startDaemon starts the daemon and waits for its word. A signal in the meantime
// ends the daemon, which then unmounts what it may have mounted.
func (p *program) startDaemon(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	defer r.Close()
	if err := keepDescriptors(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	daemon := exec.Command(self())
	daemon.Args = p.argv
	daemon.Env = append(os.Environ(), daemonVariable+"=1")
	daemon.Stderr = os.Stderr // until it is ready: see detach
	daemon.ExtraFiles = []*os.File{w}
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = daemon.Start()
	_ = w.Close() // the daemon has its own; with ours the pipe would not end
	if err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	cancelled := context.AfterFunc(ctx, func() { _ = daemon.Process.Signal(syscall.SIGTERM) })
	defer cancelled()
	return daemonAnswer(r, daemon)
}

// keepDescriptors sees to it that the daemon gets none of the descriptors that we were
// started with: a lock or a pipe of our caller's would stay as long as the mount. Those
// of exec.Cmd are duplicates, which are made later.
func keepDescriptors() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list the open descriptors: %w", err)
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd) // that of the list itself is gone, which does no harm
		}
	}
	return nil
}

// self is the path of this program. The name that the kernel gives a process is
// that of the file, so /proc/self/exe is only for a program that was deleted or
// replaced while it ran.
func self() string {
	const always = "/proc/self/exe"
	path, err := os.Executable()
	if err != nil {
		return always
	}
	if _, err := os.Stat(path); err != nil {
		return always
	}
	return path
}

// daemonAnswer reads what the daemon says, or how it ended without a word.
func daemonAnswer(r io.Reader, daemon *exec.Cmd) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("wait for the daemon: %w", err)
	}
	var word readiness
	switch err := json.Unmarshal(text, &word); {
	case err != nil:
		return fmt.Errorf("the daemon ended before the mount answered (%w)", orUnknown(daemon.Wait()))
	case word.Status != exitOK:
		_ = daemon.Wait() // it has said why; nothing is left of it when we return
		return &exitError{status: word.Status, err: errors.New(word.Error)}
	}
	return daemon.Process.Release()
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}

// parent is the daemon's way to the process that started it. A nil parent is that
// of a mount in the foreground.
type parent struct{ pipe *os.File }

// findParent returns the parent if this process is a daemon, else nil. The
// variable is taken out of the environment, as nothing started from here is one.
func findParent() *parent {
	if os.Getenv(daemonVariable) == "" {
		return nil
	}
	_ = os.Unsetenv(daemonVariable)
	unix.CloseOnExec(readyPipe)
	return &parent{pipe: os.NewFile(readyPipe, "parent")}
}

// tell says how the mount went, once. An error means that nobody waits any more.
func (p *parent) tell(outcome error) error {
	if p == nil {
		return nil
	}
	word := readiness{Status: statusOf(outcome)}
	if outcome != nil {
		word.Error = outcome.Error()
	}
	text, err := json.Marshal(word)
	if err != nil {
		return fmt.Errorf("tell the parent: %w", err)
	}
	_, err = p.pipe.Write(text)
	if err = errors.Join(err, p.pipe.Close()); err != nil {
		return fmt.Errorf("tell the parent: %w", err)
	}
	return nil
}

// failed passes on why there is no mount: to the parent, which prints it, or to
// the caller where there is no parent.
func (p *parent) failed(err error) error {
	if p == nil {
		return err
	}
	if lost := p.tell(err); lost != nil {
		return errors.Join(err, lost)
	}
	return &exitError{status: statusOf(err)}
}

// detach lets go of what the daemon has of the terminal and the working
// directory. What a crash prints goes to the log.
func detach(log *logFile) error {
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("leave the working directory: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("detach from the terminal: %w", err)
	}
	defer null.Close()
	for _, standard := range []*os.File{os.Stdin, os.Stdout} {
		if err := unix.Dup3(int(null.Fd()), int(standard.Fd()), 0); err != nil {
			return fmt.Errorf("detach from the terminal: %w", err)
		}
	}
	if err := log.takeErrors(); err != nil {
		return fmt.Errorf("detach from the terminal: %w", err)
	}
	return nil
}
