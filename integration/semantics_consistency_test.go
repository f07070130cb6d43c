//go:build integration

package integration

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/uploader"
)

// trusting mounts with the times for which it and the kernel trust what they know.
func (e *env) trusting(ttl time.Duration) *mounttest.Mount {
	return mounttest.New(e, e.store, mounttest.Options{
		FS:    func(c *fs.Config) { c.AttrTTL, c.EntryTTL, c.NegativeTTL = ttl, ttl, ttl },
		Cache: func(c *cache.Config) { c.AttrTTL, c.DirTTL, c.NegativeTTL = ttl, ttl, ttl },
	})
}

// failed are the files that a mount could not store, by its own account.
func failed(m *mounttest.Mount) string {
	list, _ := m.Uploader.Failures()
	var keys []string
	for _, f := range list {
		keys = append(keys, f.Key)
	}
	return strings.Join(keys, " ")
}

func consistencyClauses() map[string]clause {
	return map[string]clause{
		"S1": {run: func(e *env) {
			m := e.trusting(time.Hour)
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			_, err := os.Stat(at("f"))
			e.fails("stat", err, syscall.ENOENT)
			e.want("names", e.names(m, "."), "")
			e.write(m, "f", "content")
			e.want("names", m.Run("ls"), "f")
			e.want("content", m.Run("cat f"), "content")
			e.write(m, "f", "changed content")
			e.want("content", m.Run("cat f; stat -c %s f"), "changed content15")
			e.ok(os.Mkdir(at("d"), 0o755))
			e.ok(os.Rename(at("f"), at("d/g")))
			e.want("names", m.Run("find . | sort | tr '\\n' ' '"), ". ./d ./d/g ")
			e.ok(os.Rename(at("d"), at("e")))
			e.want("names", m.Run("find . | sort | tr '\\n' ' '"), ". ./e ./e/g ")
			e.want("content", m.Run("cat e/g"), "changed content")
			e.ok(os.Remove(at("e/g")))
			e.want("names", m.Run("find . | sort | tr '\\n' ' '"), ". ./e ")
		}},
		"S2": {run: func(e *env) {
			e.put("changed", "old", nil)
			e.put("deleted", "x", nil)
			e.put("chmod", "x", map[string]string{"mode": "33188", "mtime": "1000000000"})
			const ttl = 300 * time.Millisecond
			m := e.trusting(ttl)
			e.want("names", e.names(m, "."), "changed chmod deleted")
			e.want("content", e.read(m, "changed")+e.read(m, "deleted"), "oldx")
			e.stat(m, "chmod")

			e.put("changed", "newer", nil)
			e.put("chmod", "x", map[string]string{"mode": "33152", "mtime": "1100000000"})
			e.put("made", "x", nil)
			e.ok(e.store.Delete(e.Context(), "deleted"))
			since := time.Now()
			for what, seen := range map[string]func() bool{
				"the list changes":      func() bool { return e.names(m, ".") == "changed chmod made" },
				"the deleted file goes": func() bool { _, err := os.Stat(filepath.Join(m.Dir, "deleted")); return os.IsNotExist(err) },
				"the content changes": func() bool {
					b, err := os.ReadFile(filepath.Join(m.Dir, "changed"))
					return err == nil && string(b) == "newer" && e.stat(m, "changed").Size == 5
				},
				"the attributes change": func() bool {
					st := e.stat(m, "chmod")
					return st.Mode&0o777 == 0o600 && st.Mtim.Sec == 1100000000
				},
			} {
				e.eventually(what, seen)
			}
			if took := time.Since(since); took > 2*ttl+patience/10 {
				e.Errorf("it took %v to see what others did, with times of %v", took, ttl)
			}
		}},
		"S3": {run: func(e *env) {
			const ttl = 300 * time.Millisecond
			m := e.trusting(ttl)
			_, err := os.Stat(filepath.Join(m.Dir, "f"))
			e.fails("stat", err, syscall.ENOENT)
			e.put("f", "x", nil)
			since := time.Now()
			e.eventually("the file is seen", func() bool { _, err := os.Stat(filepath.Join(m.Dir, "f")); return err == nil })
			if took := time.Since(since); took > 2*ttl+patience/10 {
				e.Errorf("it took %v to see a new file, with times of %v", took, ttl)
			}
		}},
		"S4": {run: func(e *env) {
			for policy, want := range map[uploader.Conflict]string{
				uploader.ConflictFail: "theirs", uploader.ConflictOverwrite: "ours", uploader.ConflictKeepBoth: "ours",
			} {
				key := string(policy)
				e.put(key, "old", nil)
				ours := mounttest.New(e, e.store, mounttest.Options{Uploader: func(c *uploader.Config) { c.Conflict = policy }})
				theirs := e.mount()
				f := e.open(ours, key, os.O_WRONLY|os.O_TRUNC)
				_, err := f.WriteString("ours")
				e.ok(err)
				e.write(theirs, key, "theirs")
				err = f.Close()
				if policy == uploader.ConflictFail {
					e.fails("close", err, syscall.ESTALE)
				} else {
					e.ok(err)
				}
				e.stored(key, want)
				aside := e.aside(key, "theirs")
				if (aside == 1) != (policy == uploader.ConflictKeepBoth) {
					e.Errorf("%s: %d objects were put aside", policy, aside)
				}
			}
		}},
		"S5": {run: func(e *env) {
			a, b := e.mount(), e.mount()
			for round := range 10 {
				name := "lock" + string(rune('0'+round))
				var won atomic.Int32
				var wg sync.WaitGroup
				for _, m := range []*mounttest.Mount{a, b} {
					wg.Go(func() {
						f, err := os.OpenFile(filepath.Join(m.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
						if err == nil {
							_, err = f.WriteString(m.Dir)
							err = errors.Join(err, f.Close())
						}
						switch {
						case err == nil:
							won.Add(1)
							e.stored(name, m.Dir)
						case !errors.Is(err, syscall.EEXIST):
							e.Errorf("%v, want EEXIST", err)
						}
					})
				}
				wg.Wait()
				if won.Load() != 1 {
					e.Errorf("%d made the file, want one", won.Load())
				}
			}
		}},
		"S6": {run: func(e *env) {
			m, other := e.mount(), e.mount()
			e.write(m, "f", "x")
			f := e.open(m, "f", os.O_RDWR)
			e.ok(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
			if out, err := m.Try("flock -n f true"); err == nil {
				e.Errorf("a second lock of this mount was granted: %s", out)
			}
			e.want("another mount", other.Run("flock -n f echo granted"), "granted")
			e.ok(syscall.Flock(int(f.Fd()), syscall.LOCK_UN))
			e.want("after the unlock", m.Run("flock -n f echo granted"), "granted")
		}},
		"K1": {run: func(e *env) {
			m := e.mountWith(never)
			e.write(m, "f", "content")
			e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o600))
			e.ok(os.Chtimes(filepath.Join(m.Dir, "f"), moment, moment))
			m.Run("touch empty; ( sleep 0; echo x ) > g")
			m.Unmount()
			e.want("mtime", e.head("f").Metadata["mtime"], "1234567890.123456789")
			e.want("mode", e.head("f").Metadata["mode"], "33152")
			e.stored("empty", "")
			e.stored("g", "x\n")
		}},
		"K2": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
			if err := m.FS.Unmount(); err == nil {
				e.Fatal("a mount in use was unmounted")
			}
			_, err := f.WriteString("goes on")
			e.ok(err)
			e.ok(f.Close())
			e.stored("f", "goes on")
		}},
		// TestUnmountTells and TestUmountTellsAgain have what the command makes of it.
		"K3": {run: func(e *env) {
			m := e.mount()
			refused := e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			for _, name := range []string{"lost", "again", "removed", "replaced"} {
				if os.WriteFile(filepath.Join(m.Dir, name), []byte("content"), 0o644) == nil {
					e.Errorf("the close of %s succeeds", name)
				}
			}
			e.want("failed", failed(m), "lost again removed replaced")
			refused.Remove()
			e.write(m, "again", "content")
			e.write(m, "removed", "content")
			e.ok(os.Remove(filepath.Join(m.Dir, "removed")))
			e.write(m, "other", "content")
			e.ok(os.Rename(filepath.Join(m.Dir, "other"), filepath.Join(m.Dir, "replaced")))
			m.Unmount()
			e.want("failed", failed(m), "lost")
		}},
		"K5": {run: opensNothingMore},
		"K4": {run: func(e *env) {
			m, other := e.mount(), e.mount()
			f := e.open(m, "exclusive", os.O_CREATE|os.O_EXCL|os.O_WRONLY)
			e.write(other, "exclusive", "theirs")
			_, err := f.WriteString("ours")
			e.ok(err)
			e.fails("close", f.Close(), syscall.EEXIST)
			c := e.start(m, "hold", "killed", "half a file")
			c.expect("written")
			c.kill(syscall.SIGKILL)
			m.Unmount()
			e.want("failed", failed(m), "")
		}},
	}
}

// opensNothingMore lets the mount end while somebody has a file open, and has others try to write.
func opensNothingMore(e *env) {
	e.put("there", "content", nil)
	m := e.mount()
	f := e.open(m, "open", os.O_CREATE|os.O_WRONLY)
	ended, end := context.WithCancel(e.Context())
	end()
	if err := m.Uploader.Drain(ended); !errors.Is(err, context.Canceled) {
		e.Errorf("drained, with a file open: %v", err)
	}
	for what, flags := range map[string]int{"new": os.O_CREATE | os.O_WRONLY, "there": os.O_WRONLY | os.O_TRUNC} {
		_, err := os.OpenFile(filepath.Join(m.Dir, what), flags, 0o644)
		e.fails("open of "+what, err, syscall.EROFS)
	}
	e.fails("truncate", os.Truncate(filepath.Join(m.Dir, "there"), 3), syscall.EROFS)
	e.want("content", e.read(m, "there"), "content")
	if _, err := os.Lstat(filepath.Join(m.Dir, "new")); !errors.Is(err, os.ErrNotExist) {
		e.Errorf("what was refused: %v", err)
	}
	_, err := f.WriteString("held")
	e.ok(err)
	e.ok(f.Close())
	e.stored("open", "held")
	e.want("failed", failed(m), "")
}
