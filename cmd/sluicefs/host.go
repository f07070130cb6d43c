package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// host is what a mount needs of this machine, apart from the mountpoint.
type host struct {
	root       bool     // may mount by itself, without fusermount3
	device     string   // the kernel's end of FUSE
	config     string   // of fusermount3
	fusermount []string // its names, in the order tried
}

func thisHost() host {
	return host{
		root:       os.Geteuid() == 0,
		device:     "/dev/fuse",
		config:     "/etc/fuse.conf",
		fusermount: []string{"fusermount3", "fusermount"},
	}
}

// check tells in one line what is missing on this machine to mount.
func (h host) check(allowOther bool) error {
	if _, err := os.Stat(h.device); err != nil {
		return fmt.Errorf("%s is missing: load the kernel module (modprobe fuse); in a container, start it with --device %s --cap-add SYS_ADMIN", h.device, h.device)
	}
	// fusermount3, too, opens it with the rights of the user who mounts.
	f, err := os.OpenFile(h.device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no permission to use %s: as root, make it so with chmod 666 %s; in a container, start it with --device %s --cap-add SYS_ADMIN",
			h.device, h.device, h.device)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s: %w", h.device, err)
	}
	if h.root {
		return nil
	}
	if _, err := h.findFusermount(); err != nil {
		return err
	}
	if allowOther && !h.allowsOthers() {
		return fmt.Errorf("--allow-other needs the line user_allow_other in %s, or root", h.config)
	}
	return nil
}

// findFusermount returns the path of the program by which users other than root
// mount and unmount.
func (h host) findFusermount() (string, error) {
	for _, name := range h.fusermount {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("fusermount3 is missing: install the package fuse3, or mount as root")
}

// allowsOthers tells whether root lets users share their mounts.
func (h host) allowsOthers() bool {
	f, err := os.Open(h.config)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		setting, _, _ := strings.Cut(lines.Text(), "#")
		if slices.Equal(strings.Fields(setting), []string{"user_allow_other"}) {
			return true
		}
	}
	return false
}
