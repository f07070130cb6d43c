package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
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

// explainBusy adds to the error of an unmount who is in the way, if anybody is.
func explainBusy(path string, err error) error {
	holders := holdersOf(path)
	if len(holders) == 0 {
		return err
	}
	return fmt.Errorf("%s is busy: files are open in %s; close them and try again", path, strings.Join(holders, ", "))
}
