//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

func directoryClauses() map[string]clause {
	return map[string]clause{
		"D1": {run: func(e *env) {
			m := e.mount()
			e.ok(os.MkdirAll(filepath.Join(m.Dir, "a/b"), 0o755))
			e.stored("a/b/", "")
			e.fails("mkdir again", os.Mkdir(filepath.Join(m.Dir, "a"), 0o755), syscall.EEXIST)
			other := e.mount()
			e.want("another mount", e.names(other, "a"), "b")
			e.want("empty", e.names(other, "a/b"), "")
		}},
		"D2": {run: func(e *env) {
			e.put("implied/f", "x", nil)
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.ok(os.Mkdir(at("made"), 0o755))
			f := e.open(m, "made/new", os.O_CREATE|os.O_WRONLY)
			e.fails("rmdir with a new file", syscall.Rmdir(at("made")), syscall.ENOTEMPTY)
			e.ok(f.Close())
			e.fails("rmdir with a stored file", syscall.Rmdir(at("made")), syscall.ENOTEMPTY)
			e.fails("rmdir of an implied one", syscall.Rmdir(at("implied")), syscall.ENOTEMPTY)
			e.fails("rmdir of a file", syscall.Rmdir(at("made/new")), syscall.ENOTDIR)
			e.fails("rmdir of nothing", syscall.Rmdir(at("nothing")), syscall.ENOENT)
			e.ok(os.Remove(at("made/new")))
			e.ok(syscall.Rmdir(at("made")))
			e.want("names", e.names(m, "."), "implied")
			e.absent("made/")
		}},
		"D3": {run: func(e *env) {
			e.put("a/b/f", "x", nil)
			e.put("c/f", "x", nil)
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.ok(os.Remove(at("a/b/f")))
			e.want("a", e.names(m, "a"), "b")
			e.want("a/b", e.names(m, "a/b"), "")
			e.ok(os.Rename(at("c/f"), at("f")))
			e.want("root", e.names(m, "."), "a c f")
			e.ok(syscall.Rmdir(at("a/b")))
			e.want("a", e.names(m, "a"), "")
			m.Unmount()
			m = e.mount()
			e.want("root after another mount", e.names(m, "."), "a c f")
		}},
		"D4": {run: func(e *env) {
			e.put("b", "stored", nil)
			m := e.mount()
			for _, name := range []string{"a", "c"} {
				e.open(m, name, os.O_CREATE|os.O_WRONLY)
			}
			got := strings.Fields(e.names(m, "."))
			slices.Sort(got)
			e.want("names", strings.Join(got, " "), "a b c")
		}},
		"D5": {run: func(e *env) {
			for _, key := range []string{"a", "a.txt", "b/x", "B", "b-", "b0", "ä"} {
				e.put(key, "x", nil)
			}
			m := e.mount()
			listed := m.Run("exec 3>aa; ls -f")
			e.want("entries", strings.ReplaceAll(listed, "\n", " "), ". .. B a a.txt b- b b0 ä aa")
		}},
		"D6": {run: func(e *env) {
			const n = 3000 // several requests of the kernel, and several pages of the store
			m := e.mount()
			for i := range n {
				e.put(fmt.Sprintf("d/%05d", i), "", nil)
			}
			seekDirectory(e, filepath.Join(m.Dir, "d"), n+2)
		}},
		"D7": {run: func(e *env) {
			e.put("d/sub/f", "x", nil)
			m := e.mount()
			for _, name := range []string{".", "d", "d/sub"} {
				if links := e.stat(m, name).Nlink; links != 1 {
					e.Errorf("%s has %d links, want 1", name, links)
				}
			}
			e.want("find", m.Run("find . | sort | tr '\\n' ' '"), ". ./d ./d/sub ./d/sub/f ")
		}},
		"D8": {run: func(e *env) {
			m := e.mount()
			e.ok(os.Symlink("target", filepath.Join(m.Dir, "l")))
			e.want("the mount that made it", m.Run("find . -type l"), "./l")
			m.Unmount()
			m = e.mount()
			kind := m.Run("find . -type f -name l")
			if st := e.stat(m, "l"); st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
				e.Errorf("stat says %o, want a symlink", st.Mode)
			}
			e.want("readdir of a mount that has not looked", kind, "./l")
			e.want("after a look", m.Run("find . -type l"), "./l")
		}},
	}
}

// seekDirectory reads a directory entry by entry and checks that telldir and
// seekdir lead back to each place.
func seekDirectory(e *env, path string, n int) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	e.ok(err)
	defer syscall.Close(fd)
	type entry struct {
		name string
		next int64 // where the one after it is
	}
	read := func(limit int) (out []entry) {
		buf := make([]byte, 4096)
		for len(out) < limit {
			got, err := syscall.Getdents(fd, buf)
			e.ok(err)
			if got == 0 {
				break
			}
			for b := buf[:got]; len(b) > 0; {
				d := (*syscall.Dirent)(unsafe.Pointer(&b[0]))
				raw := b[unsafe.Offsetof(d.Name):d.Reclen]
				name, _, _ := strings.Cut(string(raw), "\x00")
				out = append(out, entry{name, d.Off})
				b = b[d.Reclen:]
			}
		}
		return out
	}
	all := read(n + 1)
	if len(all) != n {
		e.Fatalf("%d entries, want %d", len(all), n)
	}
	for _, at := range []int{n - 2, 0, 1, 5, n / 2, n / 3, n - 10, 17} {
		_, err := syscall.Seek(fd, all[at].next, 0)
		e.ok(err)
		got := read(1)
		if len(got) == 0 || got[0].name != all[at+1].name {
			e.Errorf("after a seek behind %q comes %v, want %q", all[at].name, got, all[at+1].name)
		}
	}
	_, err = syscall.Seek(fd, 0, 0)
	e.ok(err)
	if again := read(n + 1); len(again) != n || again[0].name != "." {
		e.Errorf("after rewinddir there are %d entries, want %d", len(again), n)
	}
}
