package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// host is what the demo needs of this machine.
type host struct {
	root   bool   // may mount by itself, without fusermount3
	device string // the kernel's end of FUSE
	status string // what the kernel says of this process
	temp   string // where the store and the mount have their folders
	look   func(program string) (path string, err error)
	free   func(dir string) (bytes int64, err error)
}

func thisHost() host {
	return host{
		root: os.Geteuid() == 0, device: "/dev/fuse", status: "/proc/self/status", temp: os.TempDir(),
		look: exec.LookPath, free: freeBytes,
	}
}

func (h host) has(program string) bool {
	_, err := h.look(program)
	return err == nil
}

// check tells what is missing, a line for each thing.
func (h host) check(cfg config) error {
	return errors.Join(h.checkDevice(), h.checkMayMount(), h.checkPrograms(cfg.program), h.checkSpace(cfg.stream))
}

// checkDevice opens the device, as fusermount3 will with the permissions of its caller.
func (h host) checkDevice() error {
	f, err := os.OpenFile(h.device, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: load the kernel module (modprobe fuse), or start the container with --device /dev/fuse --cap-add SYS_ADMIN", h.device)
	case errors.Is(err, fs.ErrPermission) && !h.root:
		return fmt.Errorf("no permission to use %s: run the demo as root, or let your user read and write it", h.device)
	case err != nil:
		return fmt.Errorf("%s cannot be used: load the kernel module (modprobe fuse), or start the container with --device /dev/fuse --cap-add SYS_ADMIN (%w)", h.device, err)
	}
	return f.Close()
}

// checkMayMount looks for the permission that root has by itself, and that
// fusermount3 gets unless the container keeps it from everybody.
func (h host) checkMayMount() error {
	const sysAdmin = 1 << 21 // CAP_SYS_ADMIN, see capabilities(7)
	field := "CapBnd:"
	if h.root {
		field = "CapEff:"
	}
	status, err := os.ReadFile(h.status)
	if err != nil {
		return nil // then the mount itself has to tell
	}
	_, after, _ := strings.Cut(string(status), field)
	line, _, _ := strings.Cut(after, "\n")
	if set, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64); err == nil && set&sysAdmin == 0 {
		return errors.New("no permission to mount here: start the container with --device /dev/fuse --cap-add SYS_ADMIN")
	}
	return nil
}

// checkPrograms looks for all but rsync, without which there is still enough to see.
func (h host) checkPrograms(sluicefs string) error {
	if !h.has(sluicefs) {
		return fmt.Errorf("%s is missing: run make build, or make demo", sluicefs)
	}
	if !h.root && !h.has("fusermount3") && !h.has("fusermount") {
		return errors.New("fusermount3 is missing: install the package fuse3, or run the demo as root")
	}
	for _, name := range []string{"go", "cp", "cat", "sh", "find", "sha256sum"} {
		if !h.has(name) {
			return fmt.Errorf("%s is missing: install it, and see that PATH leads to it", name)
		}
	}
	return nil
}

// checkSpace wants room for the stream twice, because versitygw puts an object
// together beside its parts, and for the copied sources.
func (h host) checkSpace(stream int64) error {
	const sources = 256 << 20 // of them, blocks and all, with much to spare
	free, err := h.free(h.temp)
	if err != nil {
		return fmt.Errorf("ask for the free space of %s: %w", h.temp, err)
	}
	if need := 2*stream + sources; free < need {
		return fmt.Errorf("%s has only %s free, and the demo needs %s: set TMPDIR to a folder on a larger disk",
			h.temp, inMiB(free), inMiB(need))
	}
	return nil
}

// freeBytes returns how much an ordinary user can store in a folder. File systems
// that do not know their size have room for all.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	if st.Blocks == 0 {
		return math.MaxInt64, nil
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
