//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
)

// signalled has every thread of this process get signals that it goes on from, all the
// time that fn takes: as in programs that show their progress by a timer.
func signalled(fn func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			threads, _ := os.ReadDir("/proc/self/task")
			for _, thread := range threads {
				if tid, err := strconv.Atoi(thread.Name()); err == nil {
					_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // which may have ended
				}
			}
		}
	}()
	defer func() { <-stopped }()
	defer close(stop)
	fn()
}

// signalledOperations does what can be done with files while there are signals, by
// system calls: what is above them in package os goes on after EINTR by itself.
func signalledOperations(e *env) {
	m := mounttest.New(e, e.store, mounttest.Options{ // which has to ask the store for everything
		FS:    func(c *fs.Config) { c.AttrTTL, c.EntryTTL, c.NegativeTTL = -1, -1, -1 },
		Cache: func(c *cache.Config) { c.AttrTTL, c.DirTTL, c.NegativeTTL = -1, -1, -1 },
	})
	signalled(func() {
		for i := range 20 {
			dir := filepath.Join(m.Dir, strconv.Itoa(i))
			for _, op := range operationsIn(dir) {
				if err := op.do(); err != nil {
					e.Fatalf("%s: %v", op.name, err)
				}
			}
		}
	})
}

// systemCall is one, and what it is called in a failure.
type systemCall struct {
	name string
	do   func() error
}

// operationsIn make a directory, do everything in it, and remove it.
func operationsIn(dir string) []systemCall {
	file, moved, link, fd := filepath.Join(dir, "f"), filepath.Join(dir, "g"), filepath.Join(dir, "l"), -1
	buf := make([]byte, 4096)
	number := func(_ int, err error) error { return err }
	open := func(path string, flags int) func() error {
		return func() (err error) { fd, err = unix.Open(path, flags, 0o644); return err }
	}
	onFile := func(call func(fd int) error) func() error { return func() error { return call(fd) } }
	onPaths := func(call func(path string) error, paths ...string) func() error {
		return func() error {
			for _, path := range paths {
				if err := call(path); err != nil {
					return err
				}
			}
			return nil
		}
	}
	attributes := []systemCall{
		{"stat", onPaths(func(p string) error { return unix.Stat(p, &unix.Stat_t{}) }, dir, file)},
		{"access", onPaths(func(p string) error { return unix.Access(p, unix.R_OK) }, dir, file)},
		{"chmod", onPaths(func(p string) error { return unix.Chmod(p, 0o755) }, dir, file)},
		{"utimes", onPaths(func(p string) error { return unix.Utimes(p, make([]unix.Timeval, 2)) }, dir, file)},
		{"setxattr", onPaths(func(p string) error { return unix.Setxattr(p, "user.a", []byte("value"), 0) }, dir, file)},
		{"getxattr", onPaths(func(p string) error { return number(unix.Getxattr(p, "user.a", buf)) }, dir, file)},
		{"listxattr", onPaths(func(p string) error { return number(unix.Listxattr(p, buf)) }, dir, file)},
		{"removexattr", onPaths(func(p string) error { return unix.Removexattr(p, "user.a") }, dir, file)},
	}
	all := []systemCall{
		{"mkdir", func() error { return unix.Mkdir(dir, 0o755) }},
		{"create", open(file, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR)},
		{"write", onFile(func(fd int) error { return number(unix.Write(fd, buf)) })},
		{"fsync", onFile(unix.Fsync)},
		{"pread", onFile(func(fd int) error { return number(unix.Pread(fd, buf, 0)) })},
		{"ftruncate", onFile(func(fd int) error { return unix.Ftruncate(fd, 100) })},
		{"fallocate", onFile(func(fd int) error { return unix.Fallocate(fd, 0, 0, 200) })},
		{"close", onFile(unix.Close)},
		{"truncate", func() error { return unix.Truncate(file, 50) }},
		{"open to append", open(file, unix.O_WRONLY|unix.O_APPEND)},
		{"append", onFile(func(fd int) error { return number(unix.Write(fd, buf)) })},
		{"close what was appended", onFile(unix.Close)},
		{"open to read", open(file, unix.O_RDONLY)},
		{"read", onFile(func(fd int) error { return number(unix.Read(fd, buf)) })},
		{"close what was read", onFile(unix.Close)},
		{"symlink", func() error { return unix.Symlink("f", link) }},
		{"readlink", func() error { return number(unix.Readlink(link, buf)) }},
		{"open the directory", open(dir, unix.O_RDONLY|unix.O_DIRECTORY)},
		{"getdents", onFile(func(fd int) error { return number(unix.Getdents(fd, buf)) })},
		{"fsync of the directory", onFile(unix.Fsync)},
		{"close the directory", onFile(unix.Close)},
		{"statfs", func() error { return unix.Statfs(dir, &unix.Statfs_t{}) }},
		{"rename", func() error { return unix.Rename(file, moved) }},
		{"rename of the directory", func() error { return unix.Rename(dir, dir+"-") }},
		{"rename of the directory back", func() error { return unix.Rename(dir+"-", dir) }},
		{"unlink", onPaths(unix.Unlink, moved, link)},
		{"rmdir", func() error { return unix.Rmdir(dir) }},
	}
	const closed = 8 // the file exists from here on, and nobody has it open
	return slices.Concat(all[:closed], attributes, all[closed:])
}
