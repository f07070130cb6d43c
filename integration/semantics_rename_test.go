//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

func renameClauses() map[string]clause {
	return map[string]clause{
		"U1": {run: func(e *env) {
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.write(m, "a", "content")
			e.ok(os.Chmod(at("a"), 0o640))
			when := time.Unix(1600000000, 123456789)
			e.ok(os.Chtimes(at("a"), when, when))
			e.ok(os.Mkdir(at("d"), 0o755))
			before := e.stat(m, "a")
			e.ok(os.Rename(at("a"), at("d/b")))
			e.absent("a")
			e.stored("d/b", "content")
			after := e.stat(m, "d/b")
			if after.Mode != before.Mode || after.Mtim != before.Mtim || after.Ino != before.Ino {
				e.Errorf("before %+v, after %+v", before, after)
			}
			other := e.mount()
			if st := e.stat(other, "d/b"); st.Mode != before.Mode || st.Mtim != before.Mtim {
				e.Errorf("another mount sees mode %o and %v", st.Mode, st.Mtim)
			}
		}},
		"U2": {run: func(e *env) {
			e.put("a", "new", nil)
			e.put("b", strings.Repeat("old", 1000), nil)
			m := e.mount()
			f := e.open(m, "b", os.O_RDONLY)
			e.ok(os.Rename(filepath.Join(m.Dir, "a"), filepath.Join(m.Dir, "b")))
			e.stored("b", "new")
			e.absent("a")
			e.want("names", e.names(m, "."), "b")
			e.want("content", e.read(m, "b"), "new")
			b := make([]byte, 3000)
			_, err := f.ReadAt(b, 0)
			e.ok(err)
			e.want("who had it open", string(b), strings.Repeat("old", 1000))
			e.ok(f.Close())
			e.eventually("nothing else is left", func() bool { return slices.Equal(e.keys(), []string{"b"}) })
		}},
		"U3": {run: func(e *env) {
			e.put("a", "a", nil)
			e.put("b", "b", nil)
			m := e.mount()
			e.open(m, "new", os.O_CREATE|os.O_WRONLY)
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			rename := func(from, to string, flags uint) error {
				return unix.Renameat2(unix.AT_FDCWD, at(from), unix.AT_FDCWD, at(to), flags)
			}
			e.fails("onto a stored file", rename("a", "b", unix.RENAME_NOREPLACE), syscall.EEXIST)
			e.fails("onto a new file", rename("a", "new", unix.RENAME_NOREPLACE), syscall.EEXIST)
			e.ok(rename("a", "c", unix.RENAME_NOREPLACE))
			e.stored("c", "a")
		}},
		"U4": {run: func(e *env) {
			e.put("f", "0123456789", nil)
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			f := e.open(m, "f", os.O_RDWR)
			_, err := f.WriteAt([]byte("X"), 3)
			e.ok(err)
			e.ok(os.Rename(at("f"), at("g")))
			_, err = f.WriteAt([]byte("Y"), 5)
			e.ok(err)
			e.ok(f.Close())
			e.absent("f")
			e.stored("g", "012X4Y6789")

			large := noise(streamed)
			f = e.open(m, "large", os.O_CREATE|os.O_WRONLY)
			_, err = f.WriteString(large[:streamed/2])
			e.ok(err)
			e.ok(os.Rename(at("large"), at("renamed")))
			_, err = f.WriteString(large[streamed/2:])
			e.ok(err)
			e.ok(f.Close())
			e.absent("large")
			e.stored("renamed", large)
			e.want("read", e.read(m, "renamed"), large)
		}},
		"U5": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "a", os.O_CREATE|os.O_WRONLY)
			_, err := f.WriteString("content")
			e.ok(err)
			n := e.requests(func() { e.ok(os.Rename(filepath.Join(m.Dir, "a"), filepath.Join(m.Dir, "b"))) }, writing...)
			if n != 0 {
				e.Errorf("%d requests, want none", n)
			}
			e.ok(f.Close())
			e.stored("b", "content")
			e.absent("a")
			e.want("names", e.names(m, "."), "b")
		}},
		"U6": {run: func(e *env) { renamedDirectory(e) }},
		"U7": {run: func(e *env) {
			e.put("a/f", "x", nil)
			e.put("b/g", "x", nil)
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			// os.Rename refuses by itself.
			e.fails("onto a full one", syscall.Rename(at("a"), at("b")), syscall.ENOTEMPTY)
			e.fails("into itself", syscall.Rename(at("a"), at("a/c")), syscall.EINVAL)
			e.ok(os.Mkdir(at("empty"), 0o755))
			e.ok(syscall.Rename(at("a"), at("empty")))
			e.stored("empty/f", "x")
			e.fails("onto a file", syscall.Rename(at("b"), at("empty/f")), syscall.ENOTDIR)
			e.fails("a file onto it", syscall.Rename(at("empty/f"), at("b")), syscall.EISDIR)
		}},
		"U8": {run: func(e *env) {
			e.put("f", "content", nil)
			for i := range 20 {
				e.put(fmt.Sprintf("d/%d", i), "content", nil)
			}
			m := e.mount()
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.store.Add(fault.Rule{Op: objstore.OpCopy, After: 0, Times: 1, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			e.fails("a file", os.Rename(at("f"), at("g")), syscall.EACCES)
			e.stored("f", "content")
			e.want("content", e.read(m, "f"), "content")
			e.store.Add(fault.Rule{Op: objstore.OpCopy, After: 7, Times: 1, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			e.fails("a directory", os.Rename(at("d"), at("e")), syscall.EACCES)
			for i := range 20 {
				e.stored(fmt.Sprintf("d/%d", i), "content")
			}
			if n := len(strings.Fields(e.names(m, "d"))); n != 20 {
				e.Errorf("%d names, want 20", n)
			}
			e.ok(os.RemoveAll(at("e")))
			e.ok(os.Rename(at("d"), at("e")))
			e.want("read", e.read(m, "e/7"), "content")
		}},
		"U9": {run: func(e *env) {
			e.put("old", "0123456789", nil)
			m := e.mount()
			for _, name := range []string{"new", "old"} {
				f := e.open(m, name, os.O_CREATE|os.O_RDWR)
				_, err := f.WriteAt([]byte("AB"), 0)
				e.ok(err)
				e.ok(os.Remove(filepath.Join(m.Dir, name)))
				_, err = f.WriteAt([]byte("CD"), 10)
				e.ok(err)
				b := make([]byte, 4)
				_, err = f.ReadAt(b[:2], 0)
				e.ok(err)
				_, err = f.ReadAt(b[2:], 10)
				e.ok(err)
				e.want("read", string(b), "ABCD")
				e.ok(f.Sync())
				e.ok(f.Close())
			}
			e.eventually("nothing is left", func() bool { return len(e.keys()) == 0 && e.uploads() == 0 })
			e.want("names", e.names(m, "."), "")
		}},
		"U10": {run: func(e *env) {
			e.put("f", "x", nil)
			m := e.mount()
			e.ok(os.Remove(filepath.Join(m.Dir, "f")))
			e.absent("f")
			e.fails("again", syscall.Unlink(filepath.Join(m.Dir, "f")), syscall.ENOENT)
			e.store.Add(fault.Rule{Op: objstore.OpDelete, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			e.put("g", "x", nil)
			e.eventually("the other's file is seen", func() bool { return e.names(m, ".") == "g" })
			e.fails("when the store refuses", os.Remove(filepath.Join(m.Dir, "g")), syscall.EACCES)
			e.want("content", e.read(m, "g"), "x")
			e.store.Clear()
			removedOneByOne(e, 8, func(*fs.Config) {})
		}},
		"U11": {run: removedTogether},
		"U12": {run: removedInVain},
		"U19": {run: renamedAgain},
		"U13": {run: func(e *env) { removedOneByOne(e, 20, func(c *fs.Config) { c.Unlink = fs.UnlinkSync }) }},
	}
}

// renamedDirectory renames a directory with stored, new and open files in it.
func renamedDirectory(e *env) {
	for i := range 50 {
		e.put(fmt.Sprintf("d/sub/%02d", i), fmt.Sprint("content ", i), nil)
	}
	m := e.mount()
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	e.ok(os.Mkdir(at("d/empty"), 0o755))
	reading := e.open(m, "d/sub/07", os.O_RDONLY)
	writing := e.open(m, "d/sub/08", os.O_WRONLY|os.O_APPEND)
	_, err := writing.WriteString(" and more")
	e.ok(err)
	fresh := e.open(m, "d/fresh", os.O_CREATE|os.O_WRONLY)
	e.ok(os.Chmod(at("d/sub/09"), 0o600))

	e.ok(os.Rename(at("d"), at("moved")))
	e.want("root", e.names(m, "."), "moved")
	for i := range 50 {
		if i != 8 {
			e.stored(fmt.Sprintf("moved/sub/%02d", i), fmt.Sprint("content ", i))
			e.want("read", e.read(m, fmt.Sprintf("moved/sub/%02d", i)), fmt.Sprint("content ", i))
		}
	}
	b := make([]byte, 9)
	_, err = reading.ReadAt(b, 0)
	e.ok(err)
	e.want("who has one open", string(b), "content 7")
	e.ok(writing.Close())
	e.stored("moved/sub/08", "content 8 and more")
	_, err = fresh.WriteString("fresh")
	e.ok(err)
	e.ok(fresh.Close())
	e.stored("moved/fresh", "fresh")
	if mode := e.stat(m, "moved/sub/09").Mode & 0o777; mode != 0o600 {
		e.Errorf("mode %o, want 600", mode)
	}
	for _, key := range e.keys() {
		if !strings.HasPrefix(key, "moved/") {
			e.Errorf("%q is left", key)
		}
	}
	e.want("empty", e.names(m, "moved/empty"), "")
}

// renamedAgain goes on with renames of directories that had to stop, and refuses what
// only looks like one.
func renamedAgain(e *env) {
	content := func(name string) string { return "content of " + name }
	// state stores files below a directory, as many as there are words.
	state := func(dir, names string) {
		for _, name := range strings.Fields(names) {
			key := dir + "/" + strings.TrimSuffix(name, "!")
			if strings.HasSuffix(name, "!") {
				e.put(key, "another "+name, nil)
			} else {
				e.put(key, content(name), nil)
			}
		}
	}
	for i, c := range []struct {
		what, old, new string
		want           string // below the new name then; "" is refused
	}{
		{"copied in part", "a b s/c s/d", "a s/c", "a b s/c s/d"},
		{"copied", "a b s/c", "a b s/c", "a b s/c"},
		{"deleted in part", "b", "a b s/c", "a b s/c"},
		{"another file there", "a b", "a x", ""},
		{"another content there", "a b", "a!", ""},
		{"another content among all", "a b", "a b!", ""},
		{"nothing in common", "a b", "c", ""},
		{"nothing to rename", "", "a", ""},
	} {
		old, name := fmt.Sprintf("old%d", i), fmt.Sprintf("new%d", i)
		e.put(old+"/", "", nil)
		state(old, c.old)
		state(name, c.new)
		m := e.mount()
		err := syscall.Rename(filepath.Join(m.Dir, old), filepath.Join(m.Dir, name))
		if c.want == "" {
			e.fails(c.what, err, syscall.ENOTEMPTY)
			for _, file := range strings.Fields(c.old) {
				e.stored(old+"/"+file, content(file))
			}
			continue
		}
		if err != nil {
			e.Errorf("%s: %v", c.what, err)
			continue
		}
		for _, file := range strings.Fields(c.want) {
			e.stored(name+"/"+file, content(file))
			e.want(c.what, e.read(m, name+"/"+file), content(file))
		}
		for _, key := range e.keys() {
			if strings.HasPrefix(key, old+"/") {
				e.Errorf("%s: %s is left", c.what, key)
			}
		}
		m.Unmount()
	}
	e.put("empty/a", "", nil)
	e.put("other/a", "", nil)
	m := e.mount()
	at := func(name string) string { return filepath.Join(m.Dir, name) }
	e.fails("empty files", syscall.Rename(at("empty"), at("other")), syscall.ENOTEMPTY)

	// A failure is gone on with as a crash is; also with a file that was sent in parts.
	large := noise(streamed)
	e.ok(os.Mkdir(at("d"), 0o755))
	e.write(m, "d/1", large)
	for i := range 40 {
		e.write(m, fmt.Sprintf("d/f%02d", i), "content")
	}
	e.store.Add(fault.Rule{Op: objstore.OpCopy, KeyContains: "f39", Times: 1, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	e.fails("rename", os.Rename(at("d"), at("e")), syscall.EACCES)
	e.eventually("the new name is there", func() bool { _, err := os.Stat(at("e")); return err == nil })
	there := strings.Fields(e.names(m, "e"))
	one := "e/" + there[len(there)-1]
	writing := e.open(m, one, os.O_WRONLY|os.O_APPEND)
	_, err := writing.WriteString("more")
	e.ok(err)
	e.fails("while a copy is written", syscall.Rename(at("d"), at("e")), syscall.ENOTEMPTY)
	e.ok(writing.Close())
	e.fails("since one was", syscall.Rename(at("d"), at("e")), syscall.ENOTEMPTY)
	e.ok(os.Remove(at(one)))
	e.ok(syscall.Rename(at("d"), at("e")))
	e.stored("e/1", large)
	for i := range 40 {
		e.stored(fmt.Sprintf("e/f%02d", i), "content")
	}
}
