//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// player does the operations of a sequence in a real folder, by bare system
// calls: nothing is tried again and no answer is made nicer.
type player struct {
	dir   string
	table [handles]int // descriptors, -1 where there is none
	// local says that the folder is one of the local disk.
	local bool
	// outside does what no program of the mount does: objects that are there from
	// the beginning, and faults of the store.
	outside func(operation) error
}

func newPlayer(dir string) *player {
	p := &player{dir: dir}
	for i := range p.table {
		p.table[i] = -1
	}
	return p
}

// novel are bytes to write: never zero, which a hole would be.
var novel = sync.OnceValue(func() []byte {
	b := make([]byte, 2<<20)
	rand.NewChaCha8([32]byte{}).Read(b) // never fails
	for i := range b {
		b[i] |= 1
	}
	return b
})

// pattern is n bytes that differ from those of every other salt.
func pattern(salt, n int64) []byte { return novel()[salt : salt+n] }

func answer(n int, err error) result { return position(int64(n), err) }

func position(n int64, err error) result {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fails(errno)
	}
	return result{n: n}
}

func (p *player) path(name string) string { return filepath.Join(p.dir, name) }

// apply does an operation.
func (p *player) apply(o operation) result {
	fd := p.table[o.h]
	switch o.what {
	case "open":
		return p.open(o)
	case "write":
		return answer(unix.Write(fd, pattern(o.salt, o.n)))
	case "pwrite":
		return answer(unix.Pwrite(fd, pattern(o.salt, o.n), o.off))
	case "read", "pread":
		return p.read(o, fd)
	case "seek":
		return position(unix.Seek(fd, o.off, unix.SEEK_SET))
	case "seekdata", "seekhole":
		return p.seekBetween(o, fd)
	case "ftruncate":
		return answer(0, unix.Ftruncate(fd, o.n))
	case "fallocate":
		return answer(0, unix.Fallocate(fd, uint32(bits(o.flags, allocateFlags)), o.off, o.n))
	case "fsync":
		return answer(0, unix.Fsync(fd))
	case "fstat":
		var st unix.Stat_t
		return described(&st, unix.Fstat(fd, &st))
	case "copy":
		return p.copy(o)
	case "drop": // the pages that are clean
		return answer(0, unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED))
	case "clean": // the pages that are not, without telling the file system
		return answer(0, unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER))
	case "push": // those, and what follows comes to the file system beside them
		return answer(0, unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE))
	case "dupclose":
		other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return answer(0, err)
		}
		return answer(0, unix.Close(other))
	case "close":
		p.table[o.h] = -1
		return answer(0, unix.Close(fd))
	}
	return p.onName(o)
}

func (p *player) open(o operation) result {
	flags := bits(o.flags, openFlags)
	if p.local {
		flags &^= unix.O_DIRECT | unix.O_SYNC // alignment, and nothing but time
	}
	fd, err := unix.Open(p.path(o.name), flags|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return answer(0, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return answer(0, unix.Close(fd))
	}
	p.table[o.h] = fd
	return result{}
}

// read reads until the end or the length that was asked for: a file system may
// give less at once.
func (p *player) read(o operation, fd int) result {
	b := make([]byte, o.n)
	got := 0
	for {
		var k int
		var err error
		if o.what == "read" {
			k, err = unix.Read(fd, b[got:])
		} else {
			k, err = unix.Pread(fd, b[got:], o.off+int64(got))
		}
		if err != nil {
			return answer(0, err)
		}
		if got += k; k == 0 || got == len(b) {
			return result{n: int64(got), data: b[:got]}
		}
	}
}

// seekBetween looks for the next data or hole. A local disk knows of holes that a
// mount does not: there, the position is set to what a mount says.
func (p *player) seekBetween(o operation, fd int) result {
	whence := unix.SEEK_DATA
	if o.what == "seekhole" {
		whence = unix.SEEK_HOLE
	}
	n, err := unix.Seek(fd, o.off, whence)
	if !p.local {
		return position(n, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return answer(0, err)
	}
	if o.off >= st.Size {
		return answer(0, err)
	}
	if n = o.off; o.what == "seekhole" {
		n = st.Size
	}
	return position(unix.Seek(fd, n, unix.SEEK_SET))
}

// copy copies what the source has of the range when it begins.
func (p *player) copy(o operation) result {
	var st unix.Stat_t
	if err := unix.Fstat(p.table[o.from], &st); err != nil {
		return answer(0, err)
	}
	n := max(1, min(o.n, st.Size-o.salt))
	from, to, done := o.salt, o.off, int64(0)
	for {
		k, err := unix.CopyFileRange(p.table[o.from], &from, p.table[o.h], &to, int(n-done), 0)
		if err != nil {
			return answer(0, err)
		}
		if done += int64(k); k == 0 || done == n {
			return result{n: done}
		}
	}
}

func described(st *unix.Stat_t, err error) result {
	switch {
	case err != nil:
		return answer(0, err)
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return result{text: "directory"}
	}
	return result{n: st.Size, text: fmt.Sprintf("bytes, links %d", st.Nlink)}
}

func (p *player) onName(o operation) result {
	path := p.path(o.name)
	switch o.what {
	case "put", "fault", "heal":
		return answer(0, p.outside(o))
	case "truncate":
		return answer(0, unix.Truncate(path, o.n))
	case "rename":
		return answer(0, unix.Rename(path, p.path(o.to)))
	case "unlink":
		return answer(0, unix.Unlink(path))
	case "mkdir":
		return answer(0, unix.Mkdir(path, 0o755))
	case "rmdir":
		return answer(0, unix.Rmdir(path))
	case "stat":
		var st unix.Stat_t
		return described(&st, unix.Stat(path, &st))
	case "readdir":
		f, err := os.OpenFile(path, unix.O_DIRECTORY, 0)
		if err != nil {
			return answer(0, err)
		}
		defer f.Close()
		names, err := f.Readdirnames(-1)
		if err != nil {
			return answer(0, err)
		}
		slices.Sort(names)
		return result{text: strings.Join(names, " ")}
	}
	panic("there is no operation " + o.what)
}

// closeAll gives back what an abandoned sequence has open.
func (p *player) closeAll() {
	for i, fd := range p.table {
		if fd >= 0 {
			unix.Close(fd)
			p.table[i] = -1
		}
	}
}

// differ compares what a program saw with what it should have seen.
func differ(got, want result) error {
	switch {
	case got.String() != want.String():
		return fmt.Errorf("%v, want %v", got, want)
	case !bytes.Equal(got.data, want.data):
		return fmt.Errorf("read %s", difference(got.data, want.data))
	}
	return nil
}

func difference(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			j := i
			for j < len(got) && got[j] != want[j] {
				j++
			}
			return fmt.Sprintf("bytes %d-%d differ: %x, want %x", i, j, got[i:min(i+8, j)], want[i:min(i+8, j)])
		}
	}
	return "as it should be"
}
