//go:build integration

package integration

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestWhatOthersStoredInADirectoryThatIsRenamed has another client replace a file that the
// mount knows, or makes, in the moment before its directory is renamed. What is stored
// moves along, and whoever has the file open does not take it for his own.
func TestWhatOthersStoredInADirectoryThatIsRenamed(t *testing.T) {
	const theirs = "what the other client stored"
	for name, use := range map[string]func(e *env, m *mounttest.Mount) (done func()){
		"known": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			e.want("what is read", e.read(m, "d/f"), "ours")
			return func() {}
		},
		"read": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/f", os.O_RDONLY)
			return func() {
				if b, err := io.ReadAll(f); err == nil && string(b) != "ours" || err != nil {
					e.fails("read", err, syscall.ESTALE)
				}
				e.ok(f.Close())
			}
		},
		"written": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/f", os.O_WRONLY)
			_, err := f.WriteString("O")
			e.ok(err)
			return func() { e.fails("close", f.Close(), syscall.ESTALE) }
		},
		"about to be written": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/f", os.O_WRONLY)
			return func() {
				_, err := f.WriteString("O")
				e.ok(err)
				e.fails("close", f.Close(), syscall.ESTALE)
			}
		},
		"emptied": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/f", os.O_WRONLY|os.O_TRUNC)
			return func() { e.fails("close", f.Close(), syscall.ESTALE) }
		},
		"made": func(e *env, m *mounttest.Mount) func() {
			f := e.open(m, "d/f", os.O_WRONLY|os.O_CREATE)
			_, err := f.WriteString("ours")
			e.ok(err)
			return func() { e.fails("close", f.Close(), syscall.ESTALE) }
		},
		"sent": func(e *env, m *mounttest.Mount) func() {
			f := e.open(m, "d/f", os.O_WRONLY|os.O_CREATE)
			before := e.store.Calls(objstore.OpUploadPart)
			_, err := f.Write(make([]byte, 40<<20))
			e.ok(err)
			e.eventually("a part is sent", func() bool { return e.store.Calls(objstore.OpUploadPart) > before })
			return func() { e.fails("close", f.Close(), syscall.ESTALE) }
		},
		"covered": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/new", os.O_WRONLY|os.O_CREATE)
			_, err := f.WriteString("new")
			e.ok(err)
			e.ok(os.Rename(filepath.Join(m.Dir, "d/new"), filepath.Join(m.Dir, "d/f")))
			return func() { e.fails("close", f.Close(), syscall.ESTALE) }
		},
		"covered while it is read": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			read := e.open(m, "d/f", os.O_RDONLY)
			f := e.open(m, "d/new", os.O_WRONLY|os.O_CREATE)
			_, err := f.WriteString("new")
			e.ok(err)
			e.ok(os.Rename(filepath.Join(m.Dir, "d/new"), filepath.Join(m.Dir, "d/f")))
			return func() {
				e.fails("close", f.Close(), syscall.ESTALE)
				e.ok(read.Close())
			}
		},
		"covered twice": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			var f [2]*os.File
			for i := range f {
				f[i] = e.open(m, "d/new", os.O_WRONLY|os.O_CREATE)
				_, err := f[i].WriteString("new")
				e.ok(err)
				e.ok(os.Rename(filepath.Join(m.Dir, "d/new"), filepath.Join(m.Dir, "d/f")))
			}
			return func() {
				e.ok(f[0].Close()) // it has no name
				e.fails("close", f[1].Close(), syscall.ESTALE)
			}
		},
		"they remove it": func(e *env, m *mounttest.Mount) func() {
			e.write(m, "d/f", "ours")
			f := e.open(m, "d/f", os.O_WRONLY|os.O_TRUNC)
			e.ok(e.store.Delete(e.Context(), "d/f"))
			return func() {
				e.fails("close", f.Close(), syscall.ESTALE)
				e.absent("e/f")
				e.put("e/f", theirs, nil)
			}
		},
		"they make it later": func(e *env, m *mounttest.Mount) func() {
			f := e.open(m, "d/f", os.O_WRONLY|os.O_CREATE)
			_, err := f.WriteString("ours")
			e.ok(err)
			return func() {
				e.put("e/f", theirs, nil)
				e.fails("close", f.Close(), syscall.ESTALE)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			m := e.mount()
			e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
			done := use(e, m)
			if !strings.Contains(name, "they") {
				e.put("d/f", theirs, nil)
			}
			e.ok(os.Rename(filepath.Join(m.Dir, "d"), filepath.Join(m.Dir, "e")))
			done()
			e.stored("e/f", theirs)
			e.eventually("it is read", func() bool {
				b, err := os.ReadFile(filepath.Join(m.Dir, "e/f"))
				return err == nil && string(b) == theirs
			})
		})
	}
}

// TestConflictPolicyInADirectoryThatIsRenamed has another client store under the name of a
// file that is being written in whole, just before the directory is renamed: what the
// policy says of two writers of one name, it says of these.
func TestConflictPolicyInADirectoryThatIsRenamed(t *testing.T) {
	const ours, theirs = "ours", "what the other client stored"
	for name, use := range map[string]func(e *env, m *mounttest.Mount) *os.File{
		"emptied": func(e *env, m *mounttest.Mount) *os.File {
			e.write(m, "d/f", "old")
			return e.open(m, "d/f", os.O_WRONLY|os.O_TRUNC)
		},
		"made": func(e *env, m *mounttest.Mount) *os.File {
			return e.open(m, "d/f", os.O_WRONLY|os.O_CREATE)
		},
		"covered": func(e *env, m *mounttest.Mount) *os.File {
			e.write(m, "d/f", "old")
			f := e.open(m, "d/new", os.O_WRONLY|os.O_CREATE)
			e.ok(os.Rename(filepath.Join(m.Dir, "d/new"), filepath.Join(m.Dir, "d/f")))
			return f
		},
	} {
		for _, policy := range []uploader.Conflict{uploader.ConflictOverwrite, uploader.ConflictKeepBoth} {
			t.Run(name+"/"+string(policy), func(t *testing.T) {
				e := inMemory(t)
				m := mounttest.New(e, e.store, mounttest.Options{Uploader: func(c *uploader.Config) { c.Conflict = policy }})
				e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
				f := use(e, m)
				_, err := f.WriteString(ours)
				e.ok(err)
				e.put("d/f", theirs, nil)
				e.ok(os.Rename(filepath.Join(m.Dir, "d"), filepath.Join(m.Dir, "e")))
				e.ok(f.Close())
				e.stored("e/f", ours)
				e.absent("d/f")
				aside := e.aside("e/f", theirs)
				if (aside == 1) != (policy == uploader.ConflictKeepBoth) {
					e.Errorf("%d objects were put aside", aside)
				}
			})
		}
	}
}
