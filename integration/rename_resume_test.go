//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRenameThatGoesOnOverOpenFiles renames a directory over what an earlier attempt has
// left of it, where somebody has one of the copies open: what he changes of it then must
// neither be lost in silence nor fail later.
func TestRenameThatGoesOnOverOpenFiles(t *testing.T) {
	e := inMemory(t)
	e.put("d/f", "content", nil)
	e.put("e/f", "content", nil)
	m := e.mount()
	in := func(name string) string { return filepath.Join(m.Dir, name) }
	f := e.open(m, "e/f", os.O_RDONLY)
	defer f.Close()
	e.ok(syscall.Rename(in("d"), in("e")))
	e.fails("fchmod", f.Chmod(0o600), syscall.ESTALE)
	e.fails("fsetxattr", unix.Fsetxattr(int(f.Fd()), "user.a", []byte("b"), 0), syscall.ESTALE)
	e.ok(os.Chmod(in("e/f"), 0o640))
	e.ok(m.FS.Sync(e.Context()))
	if mode := e.stat(m, "e/f").Mode & 0o777; mode != 0o640 {
		t.Errorf("mode %o", mode)
	}
	e.stored("e/f", "content")
	e.absent("d/f")
}
