//go:build integration

package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
)

// forcedUnmount takes the mount away from under those who write (umount -f, as people do
// where a store does not answer). They are told that their writes have failed: what the
// kernel had sent of them until then is half of a file, and is not published.
func forcedUnmount(e *env) {
	e.put("old", "old", nil)
	m := e.mount()
	text := noise(streamed)
	e.write(m, "closed", text)
	for _, name := range []string{"new", "old"} {
		f := e.open(m, name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
		_, err := io.WriteString(f, text)
		e.ok(err)
		e.ok(unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)) // all is with the mount
		defer f.Close()
	}
	e.giveUp(m)
	m.FS.Wait()
	e.stored("closed", text)
	e.stored("old", "old")
	e.absent("new")
	if n := e.uploads(); n > 0 {
		e.Errorf("%d uploads are left", n)
	}
}

// forcedUnmountUnderAShell does it to a shell that writes to a file: it closed a copy of
// the descriptor before, so that every handle of the file has been closed once.
func forcedUnmountUnderAShell(e *env, policy fs.Killed) {
	m := e.mountWith(func(c *fs.Config) { c.WriteThrough, c.OnWriterKilled = true, policy })
	shell := m.Command("exec > f; echo closes a copy >&2; echo half; read -r _")
	hold, err := shell.StdinPipe()
	e.ok(err)
	e.ok(shell.Start())
	e.eventually("it is written", func() bool { info, err := os.Stat(filepath.Join(m.Dir, "f")); return err == nil && info.Size() > 0 })
	e.giveUp(m)
	m.FS.Wait()
	if policy == fs.KilledCommit {
		e.stored("f", "half\n")
	} else {
		e.absent("f")
	}
	e.ok(hold.Close())
	_ = shell.Wait() // what it wrote to is gone
}

// giveUp ends the connection of a mount whose files are open, which keeps the mount.
func (e *env) giveUp(m *mounttest.Mount) {
	e.Helper()
	if os.Geteuid() == 0 {
		e.fails("umount -f", unix.Unmount(m.Dir, unix.MNT_FORCE), unix.EBUSY)
		return
	}
	var st unix.Stat_t // who has mounted may abort
	e.ok(unix.Stat(m.Dir, &st))
	e.ok(os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", unix.Minor(st.Dev)), []byte("1"), 0))
}
