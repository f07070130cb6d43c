//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestChangesInADirectoryThatIsRenamed has somebody change what is in a directory when
// half of it has been copied: it is changed under the new name.
func TestChangesInADirectoryThatIsRenamed(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(d string) error
		want string // the keys below the new name, and what is in its file f
	}{
		"write": {
			func(d string) error { return os.WriteFile(d+"/f", []byte("new"), 0o644) },
			"e/ e/f e/sub/ e/z: new",
		},
		"append": {
			func(d string) error { return appendTo(d+"/f", ", new") },
			"e/ e/f e/sub/ e/z: old, new",
		},
		"truncate": {
			func(d string) error { return os.Truncate(d+"/f", 2) },
			"e/ e/f e/sub/ e/z: ol",
		},
		"create": {
			func(d string) error { return os.WriteFile(d+"/g", []byte("new"), 0o644) },
			"e/ e/f e/g e/sub/ e/z: old",
		},
		"symlink": {
			func(d string) error { return os.Symlink("f", d+"/g") },
			"e/ e/f e/g e/sub/ e/z: old",
		},
		"unlink": {
			func(d string) error { return os.Remove(d + "/f") },
			"e/ e/sub/ e/z: ",
		},
		"rename": {
			func(d string) error { return os.Rename(d+"/f", d+"/g") },
			"e/ e/g e/sub/ e/z: ",
		},
		"mkdir": {
			func(d string) error { return os.Mkdir(d+"/sub/g", 0o755) },
			"e/ e/f e/sub/ e/sub/g/ e/z: old",
		},
		"rmdir": {
			func(d string) error { return os.Remove(d + "/sub") },
			"e/ e/f e/z: old",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			m := e.mount()
			d := filepath.Join(m.Dir, "d")
			e.ok(os.Mkdir(d, 0o755))
			e.ok(os.Mkdir(d+"/sub", 0o755))
			e.write(m, "d/f", "old")
			e.write(m, "d/z", "waits")

			renamed, gate := renameUpTo(e, m, "e/z")
			var done atomic.Bool
			changed := make(chan error)
			go func() {
				err := c.do(d)
				done.Store(true)
				changed <- err
			}()
			e.eventually("it is done or waits", func() bool {
				return done.Load() || running("fs.(*tree).stay") || running("fs.(*gate).enter")
			})
			gate.Open()
			e.ok(<-renamed)
			e.ok(<-changed)
			e.ok(m.FS.Sync(e.Context()))
			content := ""
			if slices.Contains(e.keys(), "e/f") {
				content = e.read(e.mount(), "e/f")
			}
			e.want("what is stored", strings.Join(e.keys(), " ")+": "+content, c.want)
			e.want("what is seen", seen(e, m, "e"), seen(e, e.mount(), "e"))
		})
	}
}

// renameUpTo begins to rename the directory d to e, and returns when everything was
// copied but one object, which is when gate opens.
func renameUpTo(e *env, m *mounttest.Mount, key string) (renamed chan error, gate *fault.Gate) {
	gate = fault.NewGate()
	e.store.Add(fault.Rule{Op: objstore.OpCopy, KeyContains: key, Mode: fault.Delay, Gate: gate})
	renamed = make(chan error)
	go func() { renamed <- os.Rename(filepath.Join(m.Dir, "d"), filepath.Join(m.Dir, "e")) }()
	<-gate.Arrived()
	e.eventually("the others are copied", func() bool {
		return slices.Contains(e.keys(), "e/f") && slices.Contains(e.keys(), "e/sub/")
	})
	return renamed, gate
}

// seen is what a mount shows in a directory.
func seen(e *env, m *mounttest.Mount, dir string) string {
	entries, err := os.ReadDir(filepath.Join(m.Dir, dir))
	e.ok(err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}
