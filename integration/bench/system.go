package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/integration/scratch"
)

// The file systems that are no peers.
const (
	ours   = "sluicefs"
	before = "before"
	null   = "null"
)

// system says how a file system is mounted, in a process that stays in the foreground.
type system struct {
	program func(cfg config) string
	args    func(cfg config, url, dir, tmp string) ([]string, error)
}

var systems = map[string]system{
	null: {func(config) string { return "/proc/self/exe" }, func(_ config, _, dir, _ string) ([]string, error) {
		return []string{nullCommand, dir}, nil
	}},
	ours:   {func(cfg config) string { return cfg.program }, mountArgs},
	before: {func(cfg config) string { return cfg.before }, mountArgs},
	"s3fs": {named("s3fs"), func(_ config, url, dir, tmp string) ([]string, error) {
		secret := filepath.Join(tmp, "secret")
		err := os.WriteFile(secret, []byte("key:secret\n"), 0o600)
		return []string{bucket, dir, "-f", "-o", "url=" + url + ",use_path_request_style,passwd_file=" + secret}, err
	}},
	"rclone": {named("rclone"), func(_ config, url, dir, tmp string) ([]string, error) {
		remote := fmt.Sprintf(":s3,provider=Other,access_key_id=key,secret_access_key=secret,region=us-east-1,endpoint='%s':%s", url, bucket)
		return []string{"mount", remote, dir, "--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "--cache-dir", tmp, "--config", os.DevNull}, nil
	}},
}

func mountArgs(cfg config, url, dir, tmp string) ([]string, error) {
	args := []string{"mount", "--foreground", "--endpoint", url, "--provider", "aws", "--path-style", "--state-dir", tmp, bucket, dir}
	if cfg.memory != "" {
		args = append(args, "--memory", cfg.memory)
	}
	return args, nil
}

func named(program string) func(config) string { return func(config) string { return program } }

// installed names the file systems that can be measured on this machine.
func installed() []string {
	out := []string{null, ours}
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		if name == null || name == ours || name == before {
			continue
		}
		if _, err := exec.LookPath(name); err == nil {
			out = append(out, name)
		}
	}
	return out
}

// patience is how long a file system may take to mount, to store, and to end.
const patience = 2 * time.Minute

// measure runs a work once, on a mount and a store of its own.
func measure(ctx context.Context, cfg config, name string, w work) (m measurement, err error) {
	tmp, err := scratch.New("bench-")
	if err != nil {
		return m, err
	}
	s, err := newSink(cfg.latency)
	if err != nil {
		return m, errors.Join(err, tmp.Remove())
	}
	defer func() { err = errors.Join(err, s.close(), tmp.Remove()) }()
	for i := range w.reads {
		s.fill(storedName(i), w.storedSize(cfg.size))
	}
	p, err := attach(ctx, cfg, systems[name], s.url, tmp)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.detach()) }()

	requests, before := s.requests.Load(), time.Now()
	cpu, _, err := p.usage()
	if err != nil {
		return m, err
	}
	if err := w.do(p.dir, cfg.size); err != nil {
		return m, err
	}
	if name != null && w.reads == 0 {
		if err := p.until(ctx, "everything to be stored", func() bool { return s.received(w.bytes(cfg.size)) }); err != nil {
			return m, err
		}
	}
	m.took, m.requests = time.Since(before), s.requests.Load()-requests
	if m.cpu, m.peak, err = p.usage(); err != nil {
		return m, err
	}
	m.cpu -= cpu
	return m, nil
}

// mount is a mount and the process that serves it.
type mount struct {
	dir   string
	cmd   *exec.Cmd
	said  bytes.Buffer // to be read when the process has ended
	ended chan struct{}
}

func attach(ctx context.Context, cfg config, s system, url string, tmp *scratch.Folder) (*mount, error) {
	m := &mount{dir: filepath.Join(tmp.Path, "mnt"), ended: make(chan struct{})}
	private := filepath.Join(tmp.Path, "private")
	if err := errors.Join(os.Mkdir(m.dir, 0o755), os.Mkdir(private, 0o700)); err != nil {
		return nil, err
	}
	args, err := s.args(cfg, url, m.dir, private)
	if err != nil {
		return nil, err
	}
	m.cmd = exec.Command(s.program(cfg), args...)
	m.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + private, "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true"}
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(m.ended)
		_ = m.cmd.Wait() // the status of a process that was asked to end says nothing
	}()
	err = m.until(ctx, "the mount", func() bool {
		at, err := scratch.Mounted(tmp.Path)
		return err == nil && len(at) > 0
	})
	if err == nil {
		_, err = os.ReadDir(m.dir) // a mount that answers
	}
	if err != nil {
		return nil, errors.Join(err, m.detach())
	}
	return m, nil
}

// until waits for something that is there to be seen.
func (m *mount) until(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-m.ended:
			return fmt.Errorf("%s has ended: %s", m.cmd.Path, strings.TrimSpace(m.said.String()))
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// detach unmounts and waits for the end of the process.
func (m *mount) detach() error {
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		out, err := unmount(m.dir)
		if err == nil {
			break
		}
		select {
		case <-m.ended:
			return nil
		default:
		}
		if time.Since(begun) > patience {
			_ = m.cmd.Process.Kill()
			<-m.ended
			return fmt.Errorf("unmount %s: %w: %s", m.dir, err, out)
		}
	}
	<-m.ended
	return nil
}

// unmount takes a mount away with the program that this user may use.
func unmount(dir string) ([]byte, error) {
	if os.Geteuid() == 0 {
		return exec.Command("umount", dir).CombinedOutput()
	}
	return exec.Command("fusermount3", "-u", dir).CombinedOutput()
}

// ticks is how many of the kernel's units of CPU time make a second, on every Linux.
const ticks = 100

// usage returns the CPU time of the process, and the most memory that it had.
func (m *mount) usage() (time.Duration, int64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	return parseUsage(string(stat), string(status))
}

func parseUsage(stat, status string) (cpu time.Duration, peak int64, err error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("the kernel tells of no CPU time")
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, err = fmt.Sscan(rest, &peak)
		}
	}
	if peak == 0 && err == nil {
		err = fmt.Errorf("the kernel tells of no memory")
	}
	return time.Duration(user+system) * time.Second / ticks, peak << 10, err
}
