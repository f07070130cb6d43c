//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestAttributesOfARemovedDirectory are set by who has it open: they are not stored, be it
// that nothing has its name, or another directory.
func TestAttributesOfARemovedDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		remove func(dir string) error
		want   string // the keys that there are then
	}{
		"removed": {os.Remove, ""},
		"made again": {
			func(d string) error {
				if err := os.Remove(d); err != nil {
					return err
				}
				return os.Mkdir(d, 0o755)
			},
			"d/",
		},
		"replaced": {
			func(d string) error {
				if err := os.Mkdir(d+"2", 0o755); err != nil {
					return err
				}
				return unix.Rename(d+"2", d) // os.Rename refuses
			},
			"d/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			m := e.mount()
			d := filepath.Join(m.Dir, "d")
			e.ok(os.Mkdir(d, 0o755))
			open, err := os.Open(d)
			e.ok(err)
			defer open.Close()
			e.ok(c.remove(d))
			e.ok(open.Chmod(0o700))
			info, err := open.Stat()
			e.ok(err)
			e.want("its own mode", info.Mode().String(), "drwx------")
			e.ok(m.FS.Sync(e.Context()))
			e.want("what is stored", strings.Join(e.keys(), " "), c.want)
			info, err = open.Stat()
			e.ok(err)
			e.want("its own mode, later", info.Mode().String(), "drwx------")
			if c.want != "" {
				e.want("its mode", e.head("d/").Metadata["mode"], "16877") // drwxr-xr-x
			}
		})
	}
}

// TestRemoveWhileAttributesAreStored removes a directory when its attributes are on their
// way: the marker that carries them does not bring it back.
func TestRemoveWhileAttributesAreStored(t *testing.T) {
	e := inMemory(t)
	m := e.mount()
	d := filepath.Join(m.Dir, "d")
	e.ok(os.Mkdir(d, 0o755))
	gate := fault.NewGate()
	e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate})
	e.ok(os.Chmod(d, 0o700))
	stored := make(chan error, 1)
	go func() { stored <- m.FS.Sync(e.Context()) }()
	<-gate.Arrived()
	var done atomic.Bool
	removed := make(chan error, 1)
	go func() {
		err := os.Remove(d)
		done.Store(true)
		removed <- err
	}()
	e.eventually("it is removed, or waits", func() bool { return done.Load() || running("fs.(*dirNode).Rmdir") && running("fs.(*gate).enter") })
	gate.Open()
	e.ok(<-stored)
	e.ok(<-removed)
	e.want("what is stored", strings.Join(e.keys(), " "), "")
}
