//go:build integration

package integration

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

func openClauses() map[string]clause {
	return map[string]clause{
		"O1": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "new", os.O_CREATE|os.O_WRONLY)
			e.want("names", e.names(m, "."), "new")
			if size := e.stat(m, "new").Size; size != 0 {
				e.Errorf("size %d, want 0", size)
			}
			e.absent("new")
			_, err := f.WriteString("content")
			e.ok(err)
			e.absent("new")
			e.ok(f.Close())
			e.stored("new", "content")
		}},
		"O2": {run: func(e *env) {
			e.put("there", "old", nil)
			m := e.mount()
			_, err := os.OpenFile(filepath.Join(m.Dir, "there"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			e.fails("open of a name that is there", err, syscall.EEXIST)

			f := e.open(m, "mine", os.O_CREATE|os.O_EXCL|os.O_WRONLY)
			e.put("mine", "somebody else's", nil)
			_, err = f.WriteString("mine")
			e.ok(err)
			e.fails("close after another client was first", f.Close(), syscall.EEXIST)
			e.stored("mine", "somebody else's")
			e.eventually("the name shows the other's object", func() bool {
				b, err := os.ReadFile(filepath.Join(m.Dir, "mine"))
				return err == nil && string(b) == "somebody else's"
			})
		}},
		"O3": {run: func(e *env) {
			e.put("f", "old", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC)
			e.stored("f", "old")
			_, err := f.WriteString("new")
			e.ok(err)
			e.stored("f", "old")
			e.ok(f.Close())
			e.stored("f", "new")
		}},
		"O4": {run: func(e *env) {
			e.put("f", "0123456789", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_WRONLY)
			_, err := f.WriteAt([]byte("XY"), 4)
			e.ok(err)
			e.ok(f.Close())
			e.stored("f", "0123XY6789")
			f = e.open(m, "f", os.O_RDWR|os.O_CREATE)
			b := make([]byte, 4)
			_, err = f.ReadAt(b, 3)
			e.ok(err)
			e.want("read", string(b), "3XY6")
			_, err = f.WriteAt([]byte("Z"), 12)
			e.ok(err)
			e.ok(f.Close())
			e.stored("f", "0123XY6789\x00\x00Z")
		}},
		"O5": {run: func(e *env) {
			e.put("f", "one\n", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_WRONLY|os.O_APPEND)
			g := e.open(m, "f", os.O_WRONLY|os.O_APPEND)
			for _, w := range []struct {
				f    *os.File
				text string
			}{{f, "two\n"}, {g, "three\n"}, {f, "four\n"}} {
				_, err := w.f.WriteString(w.text)
				e.ok(err)
			}
			e.ok(f.Close())
			e.ok(g.Close())
			e.stored("f", "one\ntwo\nthree\nfour\n")
		}},
		"O6": {run: func(e *env) {
			for name, through := range map[string]bool{"write-back": false, "write-through": true} {
				m := e.mountWith(func(c *fs.Config) { c.WriteThrough = through })
				for i, flag := range []int{syscall.O_SYNC, syscall.O_DSYNC} {
					key := name + string(rune('a'+i))
					f := e.open(m, key, os.O_CREATE|os.O_WRONLY|flag)
					_, err := f.WriteString("first ")
					e.ok(err)
					e.stored(key, "first ")
					_, err = f.WriteString("second")
					e.ok(err)
					e.stored(key, "first second")
					e.ok(f.Close())
				}
			}
		}},
		"O7": {run: func(e *env) {
			m := e.mount()
			text := strings.Repeat("direct..", 1024)
			e.write(m, "f", text)
			f := e.open(m, "f", os.O_RDWR|syscall.O_DIRECT)
			_, err := f.WriteAt([]byte(strings.Repeat("x", 4096)), 4096)
			e.ok(err)
			b := make([]byte, 8192)
			_, err = f.ReadAt(b, 0)
			e.ok(err)
			e.ok(f.Close())
			e.want("read", string(b), text[:4096]+strings.Repeat("x", 4096))
			e.stored("f", text[:4096]+strings.Repeat("x", 4096))
		}},
		"O8": {run: func(e *env) {
			e.put("dir/f", "content", nil)
			m := e.mountWith(func(c *fs.Config) { c.ReadOnly = true })
			e.want("read", e.read(m, "dir/f"), "content")
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			_, err := os.Create(at("new"))
			e.fails("create", err, syscall.EROFS)
			_, err = os.OpenFile(at("dir/f"), os.O_WRONLY, 0)
			e.fails("open for writing", err, syscall.EROFS)
			e.fails("mkdir", os.Mkdir(at("d"), 0o755), syscall.EROFS)
			e.fails("remove", os.Remove(at("dir/f")), syscall.EROFS)
			e.fails("rename", os.Rename(at("dir/f"), at("g")), syscall.EROFS)
			e.fails("chmod", os.Chmod(at("dir/f"), 0o600), syscall.EROFS)
			e.fails("truncate", os.Truncate(at("dir/f"), 0), syscall.EROFS)
			e.fails("symlink", os.Symlink("x", at("l")), syscall.EROFS)
			e.want("keys", strings.Join(e.keys(), " "), "dir/f")
		}},
		"O9": {inMemory: "versitygw has no archive", run: func(e *env) {
			_, err := e.store.Put(context.Background(), "cold", objstore.Body{Reader: strings.NewReader("ice"), Size: 3},
				objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{StorageClass: "GLACIER"}})
			e.ok(err)
			logged, hook := logrustest.NewNullLogger()
			m := e.mountWith(func(c *fs.Config) { c.Log = logrus.NewEntry(logged) })
			if size := e.stat(m, "cold").Size; size != 3 {
				e.Errorf("size %d, want 3", size)
			}
			for range 3 {
				f, err := os.Open(filepath.Join(m.Dir, "cold"))
				if err == nil {
					_, err = io.ReadAll(f)
					f.Close()
				}
				e.fails("reading", err, syscall.EREMOTEIO)
			}
			if n := len(hook.AllEntries()); n != 1 {
				e.Errorf("%d lines in the log, want 1", n)
			}
		}},
	}
}
