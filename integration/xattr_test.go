//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// xattr returns an attribute of a file of the mount, or the name of the error.
func (e *env) xattr(m *mounttest.Mount, name, attr string) string {
	e.Helper()
	b := make([]byte, 65536)
	n, err := unix.Lgetxattr(filepath.Join(m.Dir, name), attr, b)
	if err != nil {
		return err.Error()
	}
	return string(b[:n])
}

// xattrsKept keeps what programs set of a file or a directory.
func xattrsKept(e *env) {
	m := e.mount()
	e.write(m, "f", "content")
	e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
	for _, name := range []string{"f", "d"} {
		at := filepath.Join(m.Dir, name)
		e.ok(unix.Setxattr(at, "user.note", []byte("first"), unix.XATTR_CREATE))
		e.fails("again", unix.Setxattr(at, "user.note", []byte("x"), unix.XATTR_CREATE), syscall.EEXIST)
		e.fails("in place of nothing", unix.Setxattr(at, "user.other", []byte("x"), unix.XATTR_REPLACE), syscall.ENODATA)
		e.ok(unix.Setxattr(at, "user.note", []byte("a \x00 \xff"), unix.XATTR_REPLACE))
		e.ok(unix.Setxattr(at, "user.gone", []byte("x"), 0))
		e.ok(unix.Removexattr(at, "user.gone"))
		e.fails("again", unix.Removexattr(at, "user.gone"), syscall.ENODATA)
		e.ok(unix.Setxattr(at, "user.empty", nil, 0))
		e.want("value", e.xattr(m, name, "user.note"), "a \x00 \xff")
	}
	e.ok(os.Rename(filepath.Join(m.Dir, "f"), filepath.Join(m.Dir, "g")))
	e.ok(os.Chmod(filepath.Join(m.Dir, "g"), 0o600))
	open := e.open(m, "new", os.O_CREATE|os.O_WRONLY)
	n := e.requests(func() { e.ok(unix.Fsetxattr(int(open.Fd()), "user.early", []byte("1"), 0)) }, writing...)
	if n > 0 {
		e.Errorf("an attribute of a file that is being written costs %d requests", n)
	}
	e.ok(open.Close())
	e.ok(m.FS.Sync(e.Context()))
	e.want("as s3fs has it", e.head("new").Metadata["xattr"], "%7B%22user.early%22%3A%22MQ%3D%3D%22%7D")
	m.Run("echo more >> g")
	e.put("theirs", "x", map[string]string{"xattr": "%7B%22user.foo%22%3A%22YmFy%22%7D"})

	other := e.mount()
	for _, name := range []string{"g", "d"} {
		e.want("value", e.xattr(other, name, "user.note"), "a \x00 \xff")
		e.want("empty value", e.xattr(other, name, "user.empty"), "")
		b := make([]byte, 1000)
		n, err := unix.Listxattr(filepath.Join(other.Dir, name), b)
		e.ok(err)
		e.want("names", string(b[:n]), "user.empty\x00user.note\x00")
	}
	e.want("of s3fs", e.xattr(other, "theirs", "user.foo"), "bar")
	other.Run("rsync -aX g copy && rsync -aX d/ copies")
	e.want("copied", e.xattr(other, "copy", "user.note"), "a \x00 \xff")
	e.want("copied", e.xattr(other, "copies", "user.note"), "a \x00 \xff")
}

// xattrsBounded are refused where the store has no room for them, and leave what
// is there.
func xattrsBounded(e *env) {
	m := e.mount()
	e.write(m, "f", "content")
	at := filepath.Join(m.Dir, "f")
	e.ok(unix.Setxattr(at, "user.small", []byte("kept"), 0))
	err := unix.Setxattr(at, "user.large", []byte(strings.Repeat("x", 60000)), 0)
	e.fails("beyond the store's limit", err, syscall.ENOSPC)
	e.want("small", e.xattr(m, "f", "user.small"), "kept")
	e.want("large", e.xattr(m, "f", "user.large"), syscall.ENODATA.Error())
	e.ok(m.FS.Sync(e.Context()))
	e.stored("f", "content")
	e.want("small", e.xattr(e.mount(), "f", "user.small"), "kept")
}

// xattrsRefused are those for which there is no place.
func xattrsRefused(e *env) {
	m := e.mount()
	e.write(m, "f", "x")
	at := filepath.Join(m.Dir, "f")
	_, err := unix.Getxattr(at, "user.note", nil)
	e.fails("get", err, syscall.ENODATA)
	_, err = unix.Getxattr(at, "system.posix_acl_access", nil)
	e.fails("get an ACL", err, syscall.EOPNOTSUPP)
	e.fails("set a label", unix.Setxattr(at, "security.label", []byte("x"), 0), syscall.EOPNOTSUPP)
	e.fails("set a trusted one", unix.Setxattr(at, "trusted.note", []byte("x"), 0), syscall.EOPNOTSUPP)
	plain := e.mountWith(func(c *fs.Config) { c.Metadata = fs.MetadataNone })
	n := e.requests(func() {
		e.fails("without metadata", unix.Setxattr(filepath.Join(plain.Dir, "f"), "user.note", []byte("x"), 0), syscall.EOPNOTSUPP)
	}, objstore.OpCopy)
	if n > 0 {
		e.Errorf("%d copies", n)
	}
}
