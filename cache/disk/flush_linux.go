package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flushRange writes a range of a file to the disk, and waits for that. It does not make the
// disk's own cache permanent.
func flushRange(f *os.File, off, n int64) error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	for {
		err := onFile(f, func(fd int) error { return unix.SyncFileRange(fd, off, n, all) })
		var cause interface{ Temporary() bool }
		if !errors.As(err, &cause) || !cause.Temporary() { // else a signal has interrupted it
			return err
		}
	}
}
