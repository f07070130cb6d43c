//go:build integration

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// handles is how many files a sequence can have open at once.
const handles = 6

// posixFile is a file or, where names is not nil, a directory of the model.
type posixFile struct {
	names map[string]*posixFile
	data  []byte
	open  int  // handles that refer to it
	links int  // 0 when it was unlinked
	lost  bool // too large to be kept when it was unlinked: nothing is promised
}

type posixHandle struct {
	file     *posixFile
	access   int // O_RDONLY, O_WRONLY, O_RDWR
	appended bool
	pos      int64
}

// posix is what one process sees of a file system, by the rules of POSIX and,
// where those leave it open, of Linux.
type posix struct {
	root  *posixFile
	table [handles]*posixHandle
}

func newPosix() *posix { return &posix{root: &posixFile{names: map[string]*posixFile{}}} }

// result is what a program sees of an operation.
type result struct {
	errno syscall.Errno
	n     int64  // bytes done, a size or a position
	data  []byte // what was read
	text  string // what else there is
}

func (r result) String() string {
	if r.errno != 0 {
		return r.errno.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.n, r.text))
}

func fails(errno syscall.Errno) result { return result{errno: errno} }

// unserved reports that the operation does nothing, as its handle is not there.
func (p *posix) unserved(o operation) bool {
	switch o.what {
	case "open":
		return p.table[o.h] != nil
	case "copy":
		return p.table[o.h] == nil || p.table[o.from] == nil
	case "write", "pwrite", "read", "pread", "seek", "seekdata", "seekhole", "ftruncate", "fallocate", "fsync", "fstat", "dupclose", "close", "drop", "clean", "push":
		return p.table[o.h] == nil
	}
	return false
}

// apply does an operation that is not unserved.
func (p *posix) apply(o operation) result {
	switch o.what {
	case "open":
		return p.openFile(o)
	case "write", "pwrite", "read", "pread", "seek", "seekdata", "seekhole", "ftruncate", "fallocate", "fstat", "copy", "close":
		return p.onHandle(o, p.table[o.h])
	case "fsync", "dupclose", "drop", "clean", "push", "fault", "heal":
		return result{}
	}
	return p.onName(o)
}

// find follows a path. parent is nil where there is no directory to hold the name.
func (p *posix) find(path string) (parent *posixFile, base string, file *posixFile, errno syscall.Errno) {
	parent, base = p.root, path
	for {
		dir, rest, deep := strings.Cut(base, "/")
		if !deep {
			break
		}
		parent, base = parent.names[dir], rest
		switch {
		case parent == nil:
			return nil, base, nil, syscall.ENOENT
		case parent.names == nil:
			return nil, base, nil, syscall.ENOTDIR
		}
	}
	return parent, base, parent.names[base], 0
}

var openFlags = map[string]int{
	"rdonly": unix.O_RDONLY, "wronly": unix.O_WRONLY, "rdwr": unix.O_RDWR, "append": unix.O_APPEND, "trunc": unix.O_TRUNC,
	"creat": unix.O_CREAT, "excl": unix.O_EXCL, "direct": unix.O_DIRECT, "sync": unix.O_SYNC,
}

var allocateFlags = map[string]int{
	"keep": unix.FALLOC_FL_KEEP_SIZE, "punch": unix.FALLOC_FL_PUNCH_HOLE, "zero": unix.FALLOC_FL_ZERO_RANGE,
}

// bits reads flags as the text has them.
func bits(text string, names map[string]int) (flags int) {
	for name := range strings.SplitSeq(text, "|") {
		flags |= names[name]
	}
	return flags
}

func (p *posix) openFile(o operation) result {
	flags := bits(o.flags, openFlags)
	access := flags & unix.O_ACCMODE
	parent, base, file, errno := p.find(o.name)
	switch {
	case errno != 0:
		return fails(errno)
	case file == nil && flags&unix.O_CREAT == 0:
		return fails(syscall.ENOENT)
	case file == nil:
		file = &posixFile{links: 1}
		parent.names[base] = file
	case flags&unix.O_CREAT != 0 && flags&unix.O_EXCL != 0:
		return fails(syscall.EEXIST)
	case file.names != nil && (access != unix.O_RDONLY || flags&(unix.O_CREAT|unix.O_TRUNC) != 0):
		return fails(syscall.EISDIR)
	case file.names != nil:
		return result{} // and closed again
	}
	if flags&unix.O_TRUNC != 0 {
		file.data = nil
	}
	file.open++
	p.table[o.h] = &posixHandle{file: file, access: access, appended: flags&unix.O_APPEND != 0}
	return result{}
}

func (p *posix) onHandle(o operation, h *posixHandle) result {
	reads, writes := h.access != unix.O_WRONLY, h.access != unix.O_RDONLY
	switch o.what {
	case "write", "pwrite":
		if !writes {
			return fails(syscall.EBADF)
		}
		return h.write(o)
	case "read", "pread":
		if !reads {
			return fails(syscall.EBADF)
		}
		return h.read(o)
	case "seek":
		h.pos = o.off
		return result{n: o.off}
	case "seekdata", "seekhole": // all of a file is data, and its end a hole
		size := int64(len(h.file.data))
		if o.off >= size {
			return fails(syscall.ENXIO)
		}
		if h.pos = o.off; o.what == "seekhole" {
			h.pos = size
		}
		return result{n: h.pos}
	case "ftruncate":
		if !writes {
			return fails(syscall.EINVAL)
		}
		h.file.resize(o.n)
	case "fallocate":
		return h.allocate(o)
	case "fstat":
		return h.file.stat()
	case "copy":
		return copyRange(h, p.table[o.from], o)
	case "close":
		p.table[o.h] = nil
		h.file.open--
	}
	return result{}
}

func (h *posixHandle) write(o operation) result {
	at := o.off
	if o.what == "write" {
		at = h.pos
	}
	if h.appended { // Linux does so for pwrite, too
		at = int64(len(h.file.data))
	}
	h.file.put(at, pattern(o.salt, o.n))
	if o.what == "write" {
		h.pos = at + o.n
	}
	return result{n: o.n}
}

func (h *posixHandle) read(o operation) result {
	at := o.off
	if o.what == "read" {
		at = h.pos
	}
	data := h.file.at(at, o.n)
	if o.what == "read" {
		h.pos += int64(len(data))
	}
	return result{n: int64(len(data)), data: slices.Clone(data)}
}

func (h *posixHandle) allocate(o operation) result {
	flags := bits(o.flags, allocateFlags)
	switch {
	case o.n <= 0:
		return fails(syscall.EINVAL)
	case h.access == unix.O_RDONLY:
		return fails(syscall.EBADF)
	}
	size := int64(len(h.file.data))
	if flags&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
		clear(h.file.at(o.off, o.n))
	}
	if flags&unix.FALLOC_FL_KEEP_SIZE == 0 && o.off+o.n > size {
		h.file.resize(o.off + o.n)
	}
	return result{}
}

// copyRange is copy_file_range with both offsets given.
func copyRange(to, from *posixHandle, o operation) result {
	switch {
	case from.access == unix.O_WRONLY, to.access == unix.O_RDONLY, to.appended:
		return fails(syscall.EBADF)
	}
	n := int64(len(from.file.at(o.salt, o.n)))
	if from.file == to.file && o.salt < o.off+n && o.off < o.salt+n {
		return fails(syscall.EINVAL)
	}
	to.file.put(o.off, slices.Clone(from.file.at(o.salt, n)))
	return result{n: n}
}

func (p *posix) onName(o operation) result {
	if o.what == "rename" {
		return p.rename(o)
	}
	if o.what == "readdir" && o.name == "" {
		return p.root.list()
	}
	parent, base, file, errno := p.find(o.name)
	switch {
	case errno != 0:
		return fails(errno)
	case o.what == "mkdir" && file != nil:
		return fails(syscall.EEXIST)
	case o.what == "mkdir":
		parent.names[base] = &posixFile{names: map[string]*posixFile{}}
		return result{}
	case o.what == "put":
		parent.names[base] = &posixFile{links: 1, data: slices.Clone(pattern(o.salt, o.n))}
		return result{}
	case file == nil:
		return fails(syscall.ENOENT)
	}
	switch o.what {
	case "truncate":
		if file.names != nil {
			return fails(syscall.EISDIR)
		}
		file.resize(o.n)
	case "stat":
		return file.stat()
	case "readdir":
		return file.list()
	case "unlink":
		if file.names != nil {
			return fails(syscall.EISDIR)
		}
		file.links = 0
		delete(parent.names, base)
	case "rmdir":
		switch {
		case file.names == nil:
			return fails(syscall.ENOTDIR)
		case len(file.names) > 0:
			return fails(syscall.ENOTEMPTY)
		}
		delete(parent.names, base)
	}
	return result{}
}

// rename follows the order of the checks of Linux.
func (p *posix) rename(o operation) result {
	oldDir, oldBase, source, errno := p.find(o.name)
	if errno != 0 {
		return fails(errno)
	}
	newDir, newBase, target, errno := p.find(o.to)
	if errno != 0 {
		return fails(errno)
	}
	switch {
	case source == nil:
		return fails(syscall.ENOENT)
	case source == newDir:
		return fails(syscall.EINVAL)
	case target != nil && target == oldDir:
		return fails(syscall.ENOTEMPTY)
	case source == target:
		return result{}
	case target != nil && source.names != nil && target.names == nil:
		return fails(syscall.ENOTDIR)
	case target != nil && source.names == nil && target.names != nil:
		return fails(syscall.EISDIR)
	case target != nil && len(target.names) > 0:
		return fails(syscall.ENOTEMPTY)
	}
	if target != nil {
		target.links = 0
	}
	delete(oldDir.names, oldBase)
	newDir.names[newBase] = source
	return result{}
}

func (f *posixFile) stat() result {
	if f.names != nil {
		return result{text: "directory"}
	}
	return result{n: int64(len(f.data)), text: fmt.Sprintf("bytes, links %d", f.links)}
}

func (f *posixFile) list() result {
	if f.names == nil {
		return fails(syscall.ENOTDIR)
	}
	return result{text: strings.Join(slices.Sorted(maps.Keys(f.names)), " ")}
}

// at returns the bytes that are there of a range.
func (f *posixFile) at(off, n int64) []byte {
	size := int64(len(f.data))
	return f.data[min(off, size):min(off+n, size)]
}

func (f *posixFile) put(off int64, b []byte) {
	if len(b) == 0 {
		return
	}
	if end := off + int64(len(b)); end > int64(len(f.data)) {
		f.resize(end)
	}
	copy(f.data[off:], b)
}

func (f *posixFile) resize(n int64) {
	if n <= int64(len(f.data)) {
		f.data = f.data[:n:n]
		return
	}
	f.data = append(f.data, make([]byte, n-int64(len(f.data)))...)
}
