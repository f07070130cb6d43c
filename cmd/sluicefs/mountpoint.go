package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// fuseType is the type that the kernel shows for our mounts.
const fuseType = "fuse.sluicefs"

// checkMountpoint tells in one line why a bucket cannot be mounted on path, which
// is resolved.
func checkMountpoint(ctx context.Context, path, stateDir string, root bool) error {
	m, ok, err := mounttable.At(path)
	if err != nil {
		return err
	}
	switch {
	case ok && m.Kind == fuseType && !served(ctx, m, path, stateDir):
		return fmt.Errorf("mountpoint %s is left from a mount whose daemon ended: run sluicefs umount %s first", path, path)
	case ok && m.Kind == fuseType:
		return fmt.Errorf("mountpoint %s is busy: %s is mounted there; run sluicefs umount %s first", path, m.Source, path)
	case ok && strings.HasPrefix(m.Kind, "fuse"):
		return fmt.Errorf("mountpoint %s is busy: a %s file system is mounted there", path, m.Kind)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("mountpoint %s does not exist: make it with mkdir -p %s", path, path)
	case err != nil:
		return fmt.Errorf("look at the mountpoint: %w", err)
	case !info.IsDir():
		return fmt.Errorf("mountpoint %s is not a directory", path)
	}
	if !root && unix.Access(path, unix.W_OK) != nil {
		return fmt.Errorf("no permission to mount on %s: choose a directory that you may write to", path)
	}
	return checkEmpty(path)
}

// served tells whether a mount of ours has a daemon. Where its record is known, that says so:
// whoever asks a daemon that does not answer cannot even be killed.
func served(ctx context.Context, m mounttable.Entry, path, stateDir string) bool {
	r, err := openRecord(stateDir, path)
	return err == nil && r.owns(m) && r.alive() || connected(ctx, path)
}

// checkEmpty refuses a directory with something in it: a mount would hide it.
func checkEmpty(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("look into the mountpoint: %w", err)
	}
	defer dir.Close()
	_, err = dir.ReadDir(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("look into the mountpoint: %w", err)
	}
	return fmt.Errorf("mountpoint %s is not empty: its files would be hidden; choose an empty directory", path)
}
