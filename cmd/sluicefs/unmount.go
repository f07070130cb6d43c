package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// unmount asks the kernel to end a mount. Lazily, the place is free at once and
// the mount ends with its last open file.
func (h host) unmount(ctx context.Context, path string, lazily bool) error {
	if h.root {
		flags := 0
		if lazily {
			flags = unix.MNT_DETACH
		}
		if err := unix.Unmount(path, flags); err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
		return nil
	}
	program, err := h.findFusermount()
	if err != nil {
		return err
	}
	args := []string{"-u", "--", path}
	if lazily {
		args = []string{"-u", "-z", "--", path}
	}
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); failed && len(bytes.TrimSpace(out)) > 0 {
		return fmt.Errorf("unmount %s: %s", path, bytes.TrimSpace(out))
	} else if err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return nil
}

// explainBusy adds to the error of an unmount what is in the way, if anything is.
func explainBusy(path string, err error) error {
	if below, lost := mounttable.Below(path); lost == nil && len(below) > 0 {
		return fmt.Errorf("%s is busy: another mount, of type %s, is below it on %s; unmount that first", path, below[0].Kind, below[0].Path)
	}
	holders := holdersOf(path).String()
	if holders == "" {
		return err
	}
	return fmt.Errorf("%s is busy: %s; close or leave it and try again", path, holders)
}
