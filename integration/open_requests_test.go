//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestWritingIntoAnObject holds what opening a stored file for writing costs, and
// that nothing of what its metadata says gets lost by not asking for it first.
func TestWritingIntoAnObject(t *testing.T) {
	const size = 64 * mib
	old := time.Unix(1500000000, 0)
	begin := func(t *testing.T) (*env, string) {
		profile, _ := objstore.ProfileByName("aws")
		e := newEnv(t, mem.New(profile))
		e.put("f", strings.Repeat("0", size), map[string]string{"mode": "35309", "uid": "1234", "gid": "77", "mtime": "1500000000", "note": "kept"}) // 0104755
		return e, filepath.Join(e.mount().Dir, "f")
	}
	patch := func(e *env, name string) {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		e.ok(err)
		_, err = f.WriteAt([]byte("patched"), size/2+12345)
		e.ok(err)
		e.ok(f.Sync())
		e.ok(f.Close())
	}
	t.Run("requests", func(t *testing.T) {
		e, name := begin(t)
		if n := e.requests(func() { patch(e, name) }) - e.store.Calls(objstore.OpList); n > 6 {
			t.Errorf("%d requests and a LIST to write into a large object, want 6", n)
		}
		if n := e.store.Calls(objstore.OpHead); n > 0 {
			t.Errorf("%d of them a HEAD", n)
		}
	})
	t.Run("metadata", func(t *testing.T) {
		e, name := begin(t)
		began := time.Now()
		patch(e, name)
		meta := e.head("f").Metadata
		if meta["uid"] != "1234" || meta["gid"] != "77" || meta["note"] != "kept" || meta["mode"] != "33261" {
			t.Errorf("the object says %v, want its own metadata, without the setuid bit", meta)
		}
		st, err := os.Stat(name)
		e.ok(err)
		if s := st.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 77 || st.Mode() != 0o755 || st.ModTime().Before(began.Add(-time.Second)) {
			t.Errorf("it is %v of %d:%d, changed at %v", st.Mode(), s.Uid, s.Gid, st.ModTime())
		}
	})
	t.Run("stat", func(t *testing.T) {
		e, name := begin(t)
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		e.ok(err)
		defer f.Close()
		for what, stat := range map[string]func() (os.FileInfo, error){"fstat": f.Stat, "stat": func() (os.FileInfo, error) { return os.Stat(name) }} {
			st, err := stat()
			e.ok(err)
			if s := st.Sys().(*syscall.Stat_t); s.Uid != 1234 || st.Mode() != os.ModeSetuid|0o755 {
				t.Errorf("%s of the open file: %v of %d", what, st.Mode(), s.Uid)
			}
		}
	})
	t.Run("stat of others", func(t *testing.T) {
		e, name := begin(t)
		for range 2 { // the first looks the name up
			st, err := os.Stat(name)
			e.ok(err)
			if !st.ModTime().Equal(old) {
				t.Errorf("it was changed at %v, want %v", st.ModTime(), old)
			}
		}
	})
}
