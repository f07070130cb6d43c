package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ours reports that a file belongs to the user of this process.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// allocated is what a file takes of the disk, in bytes.
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}

// stamp changes whenever somebody writes to a file. It does not when the kernel writes to
// the disk what it was given before, or when the file is read.
type stamp struct {
	inode, links uint64
	sec, nsec    int64 // of the last change
}

func stampOf(f *os.File) (s stamp, err error) {
	var st unix.Stat_t
	if err := onFile(f, func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return s, fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	sec, nsec := st.Ctim.Unix()
	return stamp{inode: st.Ino, links: uint64(st.Nlink), sec: sec, nsec: nsec}, nil
}

// unlinked reports that the file has no name any more.
func (s stamp) unlinked() bool { return s.links == 0 }

// boot is what is drawn anew whenever the machine starts, or nothing if it is not told.
type boot [36]byte

func thisBoot() (b boot) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		copy(b[:], id)
	}
	return b
}

// diskSpace is what a file system has for this user, and altogether, in bytes.
func diskSpace(path string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, fmt.Errorf("ask for the free space of %s: %w", path, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil
}

// onFile calls fn with the descriptor of a file that stays open meanwhile.
func onFile(f *os.File, fn func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = fn(int(fd)) }); err != nil {
		_, closed := f.Stat() // whose error can be told from others
		return errors.Join(closed, err)
	}
	return failed
}

// setTime sets the time of modification of an open file.
func setTime(f *os.File, to time.Time) error {
	tv := unix.NsecToTimeval(to.UnixNano())
	return onFile(f, func(fd int) error { return unix.Futimes(fd, []unix.Timeval{tv, tv}) })
}

// duplicate returns another handle of an open file.
func duplicate(f *os.File) (*os.File, error) {
	var dup int
	err := onFile(f, func(fd int) (err error) {
		dup, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(dup), f.Name()), nil
}

// tryLock locks a file against other processes, if none has.
func tryLock(f *os.File) bool {
	return onFile(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }) == nil
}

func unlock(f *os.File) {
	_ = onFile(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) }) // closing it would do, too
}
