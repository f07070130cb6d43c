//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sluicefs/sluicefs/fs"
)

func nameClauses() map[string]clause {
	return map[string]clause{
		"N1": {run: func(e *env) {
			e.put("a/c", "another", nil)
			m := e.mount()
			e.want("file", e.read(m, "a/c"), "another")
			e.write(m, "a/b", "content")
			e.stored("a/b", "content")
		}},
		"N2": {run: func(e *env) {
			e.put("implied/by/key", "x", nil)
			m := e.mount()
			e.ok(os.Mkdir(filepath.Join(m.Dir, "made"), 0o755))
			e.stored("made/", "")
			e.want("root", e.names(m, "."), "implied made")
			e.want("implied directory", e.names(m, "implied"), "by")
			e.want("keys", strings.Join(e.keys(), " "), "implied/by/key made/")
		}},
		"N3": {inMemory: "versitygw keeps objects in files, which cannot be directories, too", run: func(e *env) {
			e.put("both", "file", nil)
			e.put("both/below", "x", nil)
			m := e.mount()
			e.want("names", e.names(m, "."), "both")
			if st := e.stat(m, "both"); st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
				e.Errorf("mode %o, want a directory", st.Mode)
			}
			e.want("below", e.read(m, "both/below"), "x")
		}},
		"N4": {inMemory: "versitygw refuses such keys", run: func(e *env) {
			for _, key := range []string{"a//b", "./c", "d/../e", "f\x00g", "/h", strings.Repeat("i", 256), "good", "a/good"} {
				e.put(key, "x", nil)
			}
			m := e.mount()
			e.want("root", e.names(m, "."), "a d good")
			e.want("a", e.names(m, "a"), "good")
			e.want("d", e.names(m, "d"), "")
		}},
		"N5": {run: func(e *env) {
			m := e.mount()
			long := strings.Repeat("x", 256)
			n := e.requests(func() {
				_, err := os.Create(filepath.Join(m.Dir, long))
				e.fails("create", err, syscall.ENAMETOOLONG)
				e.fails("mkdir", os.Mkdir(filepath.Join(m.Dir, long), 0o755), syscall.ENAMETOOLONG)
			}, writing...)
			if n != 0 {
				e.Errorf("%d requests, want none", n)
			}
			fits := long[:255]
			if most := e.store.Profile().Key.MaxSegment; most > 0 {
				fits = fits[:min(most, 255)]
			}
			e.write(m, fits, "fits")
			e.stored(fits, "fits")

			deep := strings.Repeat("d", 200)
			dir := m.Dir
			for range 5 { // 5 * 201 bytes, of 1024 that a key may have
				dir = filepath.Join(dir, deep)
				e.ok(os.Mkdir(dir, 0o755))
			}
			before := len(e.keys())
			_, err := os.Create(filepath.Join(dir, strings.Repeat("f", 20)))
			e.fails("create with a key of 1025 bytes", err, syscall.ENAMETOOLONG)
			_, err = os.Stat(filepath.Join(dir, strings.Repeat("f", 20)))
			e.fails("stat of it", err, syscall.ENAMETOOLONG)
			e.fails("mkdir with a key of 1025 bytes", os.Mkdir(filepath.Join(dir, strings.Repeat("f", 19)+"g"), 0o755), syscall.ENAMETOOLONG)
			e.fails("rename to it", os.Rename(filepath.Join(m.Dir, fits), filepath.Join(dir, strings.Repeat("f", 20))), syscall.ENAMETOOLONG)
			if after := len(e.keys()); after != before {
				e.Errorf("%d keys became %d", before, after)
			}
			e.ok(os.WriteFile(filepath.Join(dir, strings.Repeat("f", 19)), nil, 0o644))
		}},
		"N6": {run: func(e *env) {
			names := []string{"a b", "new\nline", "100%", "%41", "1+1", "quote'\"", "tab\t", "ümläut", "Case", "case", "&amp;<x>", "back\\slash", " lead", "trail ", "$(x)"}
			m := e.mount()
			_, err := os.Create(filepath.Join(m.Dir, "not\xffutf8"))
			e.fails("create with a name that is not UTF-8", err, syscall.EINVAL)
			for _, name := range names {
				e.write(m, name, "content of "+name)
				e.stored(name, "content of "+name)
			}
			m.Unmount()
			m = e.mount()
			for _, name := range names {
				e.want(name, e.read(m, name), "content of "+name)
			}
			if listed, _ := os.ReadDir(m.Dir); len(listed) != len(names) {
				e.Errorf("%d names are listed of %d", len(listed), len(names))
			}
		}},
		"N7": {run: func(e *env) {
			e.put(".sluicefs/stage/x", "hidden", nil)
			m := e.mount()
			e.want("root", e.names(m, "."), "")
			_, err := os.Stat(filepath.Join(m.Dir, ".sluicefs"))
			e.fails("stat", err, syscall.ENOENT)
			e.fails("mkdir", os.Mkdir(filepath.Join(m.Dir, ".sluicefs"), 0o755), syscall.EPERM)
			_, err = os.Create(filepath.Join(m.Dir, ".sluicefs"))
			e.fails("create", err, syscall.EPERM)
		}},
		"N8": {run: func(e *env) {
			e.put("in/side/file", "seen", nil)
			e.put("in-between", "not seen", nil)
			e.put("outside", "not seen", nil)
			m := e.mountWith(func(c *fs.Config) { c.Prefix = "in/" })
			e.want("root", e.names(m, "."), "side")
			e.want("file", e.read(m, "side/file"), "seen")
			e.write(m, "new", "content")
			e.stored("in/new", "content")
			e.ok(os.Remove(filepath.Join(m.Dir, "side/file")))
			e.absent("in/side/file")
			e.stored("outside", "not seen")
		}},
	}
}
