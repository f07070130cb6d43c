package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience is how long a program is given to end after it was asked to; one that
// waits for a mount that hangs ends only when it is killed.
const patience = 5 * time.Second

// program is a program that the demo calls. Its end is the demo's to decide: see
// the package comment.
type program struct {
	*exec.Cmd
	complaints head
}

// command prepares a program, which ctx ends. Nothing runs before output or Start.
func command(ctx context.Context, env []string, name string, args ...string) *program {
	p := &program{Cmd: exec.CommandContext(ctx, name, args...)}
	p.Env = env
	p.Stderr = &p.complaints
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGTERM) }
	p.WaitDelay = patience
	return p
}

// output runs the program and returns what it printed.
func (p *program) output() (string, error) {
	var out bytes.Buffer
	p.Stdout = &out
	err := p.Start()
	if err == nil {
		err = p.Wait()
	}
	return out.String(), p.explain(err)
}

// explain makes an error of Start or Wait one that says what the program said.
func (p *program) explain(err error) error {
	if err == nil {
		return nil
	}
	failed := &commandError{name: filepath.Base(p.Path), said: p.complaints.String(), status: -1, err: err}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		failed.status = exit.ExitCode()
	}
	return failed
}

// commandError is the failure of a program.
type commandError struct {
	name   string
	said   string // the beginning of its standard error
	status int    // its exit status, -1 if it had none
	err    error
}

func (e *commandError) Error() string {
	if said := strings.Join(strings.Fields(e.said), " "); said != "" {
		return fmt.Sprintf("%s (%v)", strings.TrimPrefix(said, "sluicefs: "), e.err)
	}
	return fmt.Sprintf("%s: %v", e.name, e.err)
}

func (e *commandError) Unwrap() error { return e.err }

// headSize is how much of a program's complaints is kept: the first say what
// went wrong, the others that it went on to.
const headSize = 512 // bytes

// head is a writer that keeps the first headSize bytes.
type head struct{ kept []byte }

// Write keeps what there is room for, and takes everything.
func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), headSize-len(h.kept))]...)
	return len(p), nil
}

// String returns what was kept.
func (h *head) String() string { return string(h.kept) }

// brief makes one line of an error, headSize bytes at most.
func brief(err error) error {
	line := strings.Join(strings.Fields(err.Error()), " ")
	return errors.New(line[:min(len(line), headSize)])
}
