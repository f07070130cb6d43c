//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// moment is a time that no clock has by accident.
var moment = time.Unix(1234567890, 123456789)

// never is a delay that no test waits for.
func never(c *fs.Config) { c.MetadataDelay = time.Hour }

func metadataClauses() map[string]clause {
	return map[string]clause{
		"A1": {run: func(e *env) {
			m := e.mount()
			for name, text := range map[string]string{"small": "x", "large": noise(streamed)} {
				f := e.open(m, name, os.O_CREATE|os.O_WRONLY)
				_, err := f.WriteString(text)
				e.ok(err)
				e.ok(f.Chmod(0o640))
				e.ok(f.Chown(1234, 5678))
				e.ok(unix.Futimes(int(f.Fd()), []unix.Timeval{{Sec: 1}, {Sec: moment.Unix(), Usec: int64(moment.Nanosecond() / 1000)}}))
				e.ok(f.Close())
			}
			m.Unmount()
			for _, name := range []string{"small", "large"} {
				meta := e.head(name).Metadata
				for k, want := range map[string]string{"mode": "33184", "uid": "1234", "gid": "5678", "mtime": "1234567890.123456000"} {
					e.want(name+" "+k, meta[k], want)
				}
			}
			m = e.mount()
			for _, name := range []string{"small", "large"} {
				st := e.stat(m, name)
				if st.Mode != syscall.S_IFREG|0o640 || st.Uid != 1234 || st.Gid != 5678 || st.Mtim.Nano() != moment.Truncate(time.Microsecond).UnixNano() {
					e.Errorf("%s: %+v", name, st)
				}
			}
		}},
		"A2": {run: func(e *env) {
			e.put("s3fs", "x", map[string]string{"mode": "33152", "uid": "7", "gid": "8", "mtime": "1000000000.000000005", "ctime": "1", "atime": "1"})
			e.put("rclone", "x", map[string]string{"mtime": "1000000000.5"})
			e.put("s3fslink", "s3fs", map[string]string{"mode": "41471"})
			m := e.mount()
			st := e.stat(m, "s3fs")
			if st.Mode != syscall.S_IFREG|0o600 || st.Uid != 7 || st.Gid != 8 || st.Mtim.Nano() != 1000000000000000005 {
				e.Errorf("s3fs: %+v", st)
			}
			if st := e.stat(m, "rclone"); st.Mtim.Nano() != 1000000000500000000 {
				e.Errorf("rclone: %v", st.Mtim)
			}
			target, err := os.Readlink(filepath.Join(m.Dir, "s3fslink"))
			e.ok(err)
			e.want("symlink", target, "s3fs")
		}},
		"A3": {run: func(e *env) {
			e.put("d/f", "x", nil)
			stored := e.head("d/f").ModTime
			m := e.mountWith(func(c *fs.Config) { c.UID, c.GID, c.FileMode, c.DirMode = 11, 12, 0o604, 0o705 })
			if st := e.stat(m, "d/f"); st.Uid != 11 || st.Gid != 12 || st.Mode != syscall.S_IFREG|0o604 || st.Mtim.Sec != stored.Unix() {
				e.Errorf("file: %+v, stored at %v", st, stored)
			}
			if st := e.stat(m, "d"); st.Uid != 11 || st.Gid != 12 || st.Mode != syscall.S_IFDIR|0o705 {
				e.Errorf("directory: %+v", st)
			}
		}},
		"A4": {run: func(e *env) {
			m := e.mountWith(never)
			n := e.requests(func() {
				f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
				_, err := f.WriteString("content")
				e.ok(err)
				e.ok(f.Chmod(0o600))
				e.ok(os.Chtimes(f.Name(), moment, moment))
				e.ok(f.Close())
			}, writing...)
			if n != 1 {
				e.Errorf("%d requests, want 1", n)
			}
			meta := e.head("f").Metadata
			e.want("mode", meta["mode"], "33152")
			e.want("mtime", meta["mtime"], "1234567890.123456789")
		}},
		"A5": {run: func(e *env) {
			m := e.mountWith(never)
			e.write(m, "f", "content")
			n := e.requests(func() {
				at := filepath.Join(m.Dir, "f")
				e.ok(os.Chmod(at, 0o600))
				e.ok(os.Chtimes(at, moment, moment))
				e.ok(os.Chmod(at, 0o640))
				e.ok(os.Chown(at, 3, 4))
				e.ok(os.Rename(at, filepath.Join(m.Dir, "g")))
			}, objstore.OpCopy, objstore.OpPut)
			if n != 1 {
				e.Errorf("%d requests, want one copy", n)
			}
			meta := e.head("g").Metadata
			for k, want := range map[string]string{"mode": "33184", "uid": "3", "gid": "4", "mtime": "1234567890.123456789"} {
				e.want(k, meta[k], want)
			}
		}},
		"A6":  {run: func(e *env) { storedLater(e) }},
		"A18": {run: func(e *env) { setWhileWritten(e) }},
		"A19": {run: func(e *env) { attributesNotTaken(e) }},
		"A7": {run: func(e *env) {
			m := e.mount()
			e.ok(os.Symlink("some/target", filepath.Join(m.Dir, "l")))
			e.stored("l", "some/target")
			e.want("mode", e.head("l").Metadata["mode"], strconv.Itoa(syscall.S_IFLNK|0o777))
			other := e.mount()
			target, err := os.Readlink(filepath.Join(other.Dir, "l"))
			e.ok(err)
			e.want("target", target, "some/target")
			e.ok(os.Rename(filepath.Join(m.Dir, "l"), filepath.Join(m.Dir, "k")))
			target, err = os.Readlink(filepath.Join(m.Dir, "k"))
			e.ok(err)
			e.want("after a rename", target, "some/target")
		}},
		"A8": {run: func(e *env) {
			m := e.mount()
			for name, c := range map[string]struct {
				mode uint32
				dev  int
			}{"fifo": {syscall.S_IFIFO | 0o600, 0}, "socket": {syscall.S_IFSOCK | 0o600, 0}, "char": {syscall.S_IFCHR | 0o600, 0x103}, "block": {syscall.S_IFBLK | 0o600, 0x801}, "file": {syscall.S_IFREG | 0o600, 0}} {
				e.ok(syscall.Mknod(filepath.Join(m.Dir, name), c.mode, c.dev))
				for _, at := range []*mounttest.Mount{m, e.mount()} {
					if st := e.stat(at, name); st.Mode != c.mode || int(st.Rdev) != c.dev {
						e.Errorf("%s: mode %o, device %x", name, st.Mode, st.Rdev)
					}
				}
			}
		}},
		"A9": {run: func(e *env) {
			for i := range 20 {
				e.put(fmt.Sprintf("d/%d", i), "x", map[string]string{"mode": "33152", "mtime": "5"})
			}
			m := e.mountWith(func(c *fs.Config) { c.Metadata = fs.MetadataNone })
			at := filepath.Join(m.Dir, "d/1")
			n := e.requests(func() {
				m.Run("find . ; ls -lR .; cat d/*; cp -p d/3 d/new; rm d/3; mv d/4 d/5")
				e.ok(os.Chmod(at, 0o600))
				e.ok(os.Chtimes(at, moment, moment))
				e.ok(os.Chown(at, 1, 2))
			}, objstore.OpHead)
			if n != 0 {
				e.Errorf("%d HEADs, want none", n)
			}
			if st := e.stat(m, "d/1"); st.Mode&0o777 != 0o600 || st.Mtim.Nano() != moment.UnixNano() {
				e.Errorf("after chmod and utimens: %+v", st)
			}
			e.fails("symlink", os.Symlink("x", filepath.Join(m.Dir, "l")), syscall.EPERM)
			e.fails("mkfifo", syscall.Mkfifo(filepath.Join(m.Dir, "fifo"), 0o600), syscall.EPERM)
			if meta := e.head("d/new").Metadata; meta["mode"] != "" || meta["mtime"] != "" {
				e.Errorf("metadata was stored: %v", meta)
			}
		}},
		"A10": {run: func(e *env) {
			m := e.mount()
			at := filepath.Join(m.Dir, "d")
			e.ok(os.Mkdir(at, 0o750))
			e.ok(os.Chown(at, 5, 6))
			e.ok(os.Chtimes(at, moment, moment))
			m.Unmount()
			m = e.mount()
			if st := e.stat(m, "d"); st.Mode != syscall.S_IFDIR|0o750 || st.Uid != 5 || st.Gid != 6 || st.Mtim.Nano() != moment.UnixNano() {
				e.Errorf("%+v", st)
			}
		}},
		"A11": {run: func(e *env) {
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.write(m, "a", "one")
			first := e.stat(m, "a").Ino
			e.write(m, "a", "rewritten")
			e.ok(os.Rename(at("a"), at("b")))
			if ino := e.stat(m, "b").Ino; ino != first {
				e.Errorf("number %d became %d", first, ino)
			}
			e.write(m, "a", "another")
			if ino := e.stat(m, "a").Ino; ino == first {
				e.Error("a new file has the number of a renamed one")
			}
			f := e.open(m, "b", os.O_RDONLY)
			e.ok(os.Remove(at("b")))
			e.write(m, "b", "third")
			if ino := e.stat(m, "b").Ino; ino == first {
				e.Error("a new file has the number of a deleted one that is open")
			}
			e.ok(f.Close())
		}},
		"A16": {run: xattrsKept},
		"A17": {run: xattrsBounded},
		"A12": {run: func(e *env) {
			m := e.mount()
			e.write(m, "f", "content")
			get := func(name string) string {
				b := make([]byte, 1000)
				n, err := unix.Getxattr(filepath.Join(m.Dir, "f"), "user.sluicefs."+name, b)
				if err != nil {
					return err.Error()
				}
				return string(b[:n])
			}
			e.want("etag", get("etag"), e.head("f").ETag)
			e.want("state", get("state"), "stored")
			f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC)
			e.want("state", get("state"), "writing")
			e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			_, err := f.WriteString("new")
			e.ok(err)
			e.fails("fsync", f.Sync(), syscall.EACCES)
			e.want("state", get("state"), "failed")
			if !strings.Contains(get("error"), "access denied") {
				e.Errorf("error: %s", get("error"))
			}
			names := make([]byte, 1000)
			n, err := unix.Listxattr(f.Name(), names)
			e.ok(err)
			e.want("names", string(names[:n]), "")
			e.fails("set", unix.Setxattr(f.Name(), "user.sluicefs.etag", []byte("x"), 0), syscall.EPERM)
			_ = f.Close() // says the same
		}},
		"A13": {run: func(e *env) {
			m := e.mount()
			e.write(m, "f", "content")
			e.ok(os.Chtimes(filepath.Join(m.Dir, "f"), time.Unix(5, 0), moment))
			if st := e.stat(m, "f"); st.Atim.Sec != 5 {
				e.Errorf("access %v, which was set to 5", st.Atim)
			}
			m.Unmount()
			m = e.mount()
			if st := e.stat(m, "f"); st.Atim != st.Mtim || st.Mtim.Nano() != moment.UnixNano() {
				e.Errorf("access %v, modification %v", st.Atim, st.Mtim)
			}
		}},
		"A14": {run: func(e *env) {
			m := e.mount()
			var st syscall.Statfs_t
			e.ok(syscall.Statfs(m.Dir, &st))
			if free := uint64(st.Bsize) * st.Bavail; free != 1<<50 {
				e.Errorf("%d bytes are free, want 2^50", free)
			}
			want := int64(255)
			if most := int64(e.store.Profile().Key.MaxSegment); most > 0 {
				want = min(want, most)
			}
			if st.Namelen != want {
				e.Errorf("names of %d bytes, want %d", st.Namelen, want)
			}
		}},
		"A15": {run: func(e *env) {
			m := e.mount()
			m.Run("umask 027; echo x > f; mkdir d; ln -s f l")
			for name, mode := range map[string]uint32{"f": syscall.S_IFREG | 0o640, "d": syscall.S_IFDIR | 0o750} {
				st := e.stat(m, name)
				if st.Mode != mode || int(st.Uid) != os.Getuid() || int(st.Gid) != os.Getgid() {
					e.Errorf("%s: %+v", name, st)
				}
			}
		}},
	}
}

// storedLater checks when changed attributes of a stored file are stored.
// setWhileWritten sets the mode of a file whose writer succeeds, and then of one whose writer fails.
func setWhileWritten(e *env) {
	e.put("f", "content", map[string]string{"mode": "33188"})
	m := e.mount()
	for _, fails := range []bool{false, true} {
		f := e.open(m, "f", os.O_WRONLY)
		_, err := f.WriteString("other")
		e.ok(err)
		mode, want := os.FileMode(0o600), "33152"
		if fails {
			mode = 0o640 // it stays at 600
			e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Times: 1})
		}
		e.ok(os.Chmod(filepath.Join(m.Dir, "f"), mode))
		if err := f.Close(); (err != nil) != fails {
			e.Errorf("close: %v, it should fail: %v", err, fails)
		}
		e.ok(m.FS.Sync(e.Context()))
		e.want("mode", e.head("f").Metadata["mode"], want)
	}
}

// attributesNotTaken has the store refuse to store attributes.
func attributesNotTaken(e *env) {
	e.put("f", "content", map[string]string{"mode": "33188"})
	m := e.mountWith(never)
	rule := e.store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	at := filepath.Join(m.Dir, "f")
	e.ok(os.Chmod(at, 0o600))
	if err := m.FS.Sync(e.Context()); !errors.Is(err, objstore.ErrAccessDenied) {
		e.Errorf("sync of the mount: %v", err)
	}
	e.eventually("the name shows what is stored", func() bool { return e.stat(m, "f").Mode&0o777 == 0o644 })
	f := e.open(m, "f", os.O_RDONLY)
	e.fails("fsync", f.Sync(), syscall.EACCES)
	if failures, _ := m.Uploader.Failures(); len(failures) != 1 || failures[0].Key != "f" {
		e.Errorf("not stored are %v", failures)
	}
	rule.Remove()
	e.ok(f.Sync())
	e.ok(f.Close())
	e.want("mode", e.head("f").Metadata["mode"], "33152")
}

func storedLater(e *env) {
	m := e.mountWith(func(c *fs.Config) { c.MetadataDelay = 50 * time.Millisecond })
	e.write(m, "f", "content")
	e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o600))
	if mode := e.stat(m, "f").Mode & 0o777; mode != 0o600 {
		e.Errorf("mode %o, want 600", mode)
	}
	e.eventually("the mode is stored", func() bool { return e.head("f").Metadata["mode"] == "33152" })
	e.stored("f", "content")

	m.Unmount()
	m = e.mountWith(never)
	e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o640))
	e.want("before the fsync", e.head("f").Metadata["mode"], "33152")
	synced := e.open(m, "f", os.O_RDONLY)
	e.ok(synced.Sync())
	e.ok(synced.Close())
	e.want("after the fsync", e.head("f").Metadata["mode"], "33184")

	e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o644))
	f := e.open(m, "g", os.O_CREATE|os.O_WRONLY)
	_, err := f.WriteString(noise(streamed))
	e.ok(err)
	e.ok(f.Sync())
	e.ok(f.Chmod(0o604)) // the upload has begun and ended
	e.ok(f.Close())
	m.Unmount()
	e.want("after the unmount", e.head("f").Metadata["mode"], "33188")
	e.want("of an open file", e.head("g").Metadata["mode"], strconv.Itoa(syscall.S_IFREG|0o604))
}
