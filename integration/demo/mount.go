package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sluicefs/sluicefs/integration/s3server"
)

// The exit statuses of sluicefs umount that are looked at.
const (
	statusNotUnmounted = 1 // busy, or nothing is mounted there
	statusNotStored    = 3 // unmounted, and not everything that was written is stored
)

// mount is a bucket that sluicefs mounts, several times in a row. It belongs to
// one goroutine.
type mount struct {
	program string   // absolute path of sluicefs
	args    []string // of its command mount
	dir     string
	state   string // folder
	log     string // file
	env     []string

	attached bool // may be mounted
}

// newMount makes the mountpoint in a folder and mounts nothing.
func newMount(program, folder string, server s3server.Server, bucket string) (*mount, error) {
	path, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	m := &mount{
		program: path,
		dir:     filepath.Join(folder, "mnt"),
		state:   filepath.Join(folder, "state"),
		log:     filepath.Join(folder, "log"),
	}
	m.args = []string{"mount", "--endpoint", server.Endpoint, "--path-style", bucket, m.dir}
	// The machine's own settings stay out of the demo.
	m.env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "SLUICEFS_")
	})
	m.env = append(m.env, server.Env()...)
	m.env = append(m.env, "SLUICEFS_STATE_DIR="+m.state, "SLUICEFS_LOG_FILE="+m.log)
	return m, os.Mkdir(m.dir, 0o755)
}

// commandLine is what a user would type to mount it.
func (m *mount) commandLine() string { return "sluicefs " + strings.Join(m.args, " ") }

// attach mounts the bucket.
func (m *mount) attach(ctx context.Context) error {
	_, err := command(ctx, m.env, m.program, m.args...).output()
	// Of a program that was told to end, nobody knows how far it had come.
	m.attached = err == nil || ctx.Err() != nil
	return err
}

// detach unmounts with sluicefs umount. It fails also if not everything is
// stored; then the mount is gone all the same. A timeout of 0 is none.
func (m *mount) detach(ctx context.Context, timeout time.Duration) error {
	_, err := command(ctx, m.env, m.program, "umount", "--timeout", timeout.String(), m.dir).output()
	failed, ok := errors.AsType[*commandError](err)
	m.attached = err != nil && !(ok && failed.status == statusNotStored)
	return err
}

// strike takes away a mount that may be there, whatever it takes.
func (m *mount) strike(ctx context.Context) error {
	if !m.attached {
		return nil
	}
	err := m.detach(ctx, strikeTime)
	if !m.attached {
		return err
	}
	if failed, ok := errors.AsType[*commandError](err); ok && failed.status == statusNotUnmounted && os.Remove(m.dir) == nil {
		m.attached = false // what can be removed is no mountpoint, and no daemon was found
		return nil
	}
	return errors.Join(err, m.abandon(ctx))
}

// abandon ends a mount that sluicefs umount cannot end: programs of others may be
// in it. Two signals end the daemon at once.
func (m *mount) abandon(ctx context.Context) error {
	lazily := []string{"fusermount3", "-u", "-z", m.dir}
	if os.Geteuid() == 0 {
		lazily = []string{"umount", "-l", m.dir}
	}
	// It may be gone already, and removing the mountpoint tells if it is not.
	_, _ = command(ctx, m.env, lazily[0], lazily[1:]...).output()
	pid, err := m.daemon()
	if err != nil {
		return err
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if syscall.Kill(pid, sig) != nil {
			break // it has ended
		}
	}
	// What it says does not matter any more, only that it has ended.
	_ = m.detach(ctx, strikeTime)
	m.attached = false
	return nil
}

// daemon returns the process that serves the mount, from the mount's state.
func (m *mount) daemon() (int, error) {
	files, err := filepath.Glob(filepath.Join(m.state, "mounts", "*", "mount.json"))
	if err != nil || len(files) != 1 {
		return 0, fmt.Errorf("find the process of the mount: %d records in its state (%w)", len(files), errors.Join(err, fs.ErrNotExist))
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return 0, err
	}
	var info struct{ PID int }
	return info.PID, json.Unmarshal(text, &info)
}

// lastWords returns the end of the mount's log as an error, nil if it is empty.
func (m *mount) lastWords() error {
	const lines = 5
	text, err := os.ReadFile(m.log)
	if err != nil || len(text) == 0 {
		return nil // never mounted: there is nothing to tell
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("the mount's log ends with:\n%s", strings.Join(all[max(0, len(all)-lines):], "\n"))
}
