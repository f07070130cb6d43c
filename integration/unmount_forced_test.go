//go:build integration

package integration

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestForcedUnmount takes the mount away from under those who write (umount -f, as people do
// where a store does not answer). They are told that their writes have failed: what the
// kernel had sent of them until then is half of a file, and is not published.
func TestForcedUnmount(t *testing.T) {
	e := inMemory(t)
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
	e.fails("umount", unix.Unmount(m.Dir, unix.MNT_FORCE), unix.EBUSY)
	m.FS.Wait()
	e.stored("closed", text)
	e.stored("old", "old")
	e.absent("new")
	if n := e.uploads(); n > 0 {
		t.Errorf("%d uploads are left", n)
	}
}
