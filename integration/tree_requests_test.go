//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// TestRequestsOfATree holds what common programs cost in a tree that somebody else
// stored, without markers and without metadata.
func TestRequestsOfATree(t *testing.T) {
	const dirs, files = 20, 30
	begin := func(t *testing.T) *env {
		e := inMemory(t)
		for i := range dirs * files {
			e.put(fmt.Sprintf("t/d%02d/f%03d", i/files, i%files), "content", nil)
		}
		return e
	}
	none := func(c *fs.Config) { c.Metadata = fs.MetadataNone }
	for name, c := range map[string]struct {
		config func(*fs.Config)
		script string
		most   map[string]int64
	}{
		"find":                  {nil, "find t", map[string]int64{objstore.OpList: dirs + 2, objstore.OpHead: 1}},
		"ls -lR":                {nil, "ls -lR t", map[string]int64{objstore.OpList: 2 * (dirs + 2), objstore.OpHead: dirs*(files+1) + 2}},
		"ls -lR, then find":     {nil, "ls -lR t/d00 t/d01; echo; find t/d0[2-9] t/d1*", map[string]int64{objstore.OpHead: 2*(files+1) + files + dirs}},
		"ls without metadata":   {none, "ls -lR t", map[string]int64{objstore.OpList: dirs + 3, objstore.OpHead: 0}},
		"find without metadata": {none, "find t -size -2", map[string]int64{objstore.OpList: dirs + 3, objstore.OpHead: 0}},
	} {
		t.Run(name, func(t *testing.T) {
			e := begin(t)
			m := e.mountWith(func(cfg *fs.Config) {
				if c.config != nil {
					c.config(cfg)
				}
			})
			before := map[string]int64{}
			for op := range c.most {
				before[op] = e.store.Calls(op)
			}
			out := m.Run(c.script)
			if n := strings.Count(out, "f0"); n != dirs*files {
				t.Fatalf("%d files were found, want %d", n, dirs*files)
			}
			for op, most := range c.most {
				if n := e.store.Calls(op) - before[op]; n > most {
					t.Errorf("%d %s, want %d", n, op, most)
				}
			}
		})
	}
	t.Run("create", func(t *testing.T) {
		e := inMemory(t)
		m := e.mount()
		e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
		began := time.Now()
		n := e.requests(func() {
			for i := range 500 {
				e.write(m, fmt.Sprintf("d/f%03d", i), "content")
			}
		})
		took := time.Since(began) // what is known of the directory is looked up again after each second
		if n > 500+int64(took/time.Second) {
			t.Errorf("%d requests to make 500 files, in %v", n, took)
		}
	})
	t.Run("rename", func(t *testing.T) {
		e := inMemory(t)
		for i := range 300 {
			e.put(fmt.Sprintf("d/f%03d", i), "content", nil)
		}
		m := e.mount()
		if n := e.requests(func() { e.ok(os.Rename(filepath.Join(m.Dir, "d"), filepath.Join(m.Dir, "e"))) }); n > 305 {
			t.Errorf("%d requests to rename a directory of 300 files", n)
		}
	})
	t.Run("rsync", func(t *testing.T) {
		e := inMemory(t)
		source := t.TempDir()
		for i := range 500 {
			dir := filepath.Join(source, fmt.Sprintf("d%02d", i%20))
			e.ok(os.MkdirAll(dir, 0o755))
			e.ok(os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d", i)), []byte("content"), 0o644))
		}
		m := e.mount()
		sync := "rsync -ai " + source + "/ tree/"
		n := e.requests(func() { m.Run(sync); e.ok(m.FS.Sync(t.Context())) })
		if n > 1600 || e.store.Calls(objstore.OpGet) > 0 {
			t.Errorf("%d requests for rsync -a of 500 files, %d of them a GET", n, e.store.Calls(objstore.OpGet))
		}
		if out := m.Run(sync); out != "" {
			t.Errorf("the second rsync changes %s", short(out))
		}
		other := e.mount()
		if out := other.Run(sync); out != "" {
			t.Errorf("rsync in another mount changes %s", short(out))
		}
	})
}
