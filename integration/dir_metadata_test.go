//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestDirectoryIsSeenWhileItsAttributesAreStored asks for them while the request that
// stores them is on its way.
func TestDirectoryIsSeenWhileItsAttributesAreStored(t *testing.T) {
	e := inMemory(t)
	e.put("d/", "", nil)
	m := e.mountWith(func(c *fs.Config) { c.AttrTTL, c.MetadataDelay = -1, forEver })
	e.ok(os.Chmod(filepath.Join(m.Dir, "d"), 0o711))
	gate := fault.NewGate()
	defer gate.Open()
	e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate})
	stored := make(chan error)
	go func() { stored <- m.FS.Sync(e.Context()) }()
	<-gate.Arrived()
	if mode := e.stat(m, "d").Mode & 0o777; mode != 0o711 {
		t.Errorf("mode %o, want 711", mode)
	}
	gate.Open()
	e.ok(<-stored)
	if mode := e.stat(m, "d").Mode & 0o777; mode != 0o711 {
		t.Errorf("mode %o once they are stored, want 711", mode)
	}
}

// TestFsyncWaitsForAttributesOnTheirWay syncs a directory whose attributes are being stored.
func TestFsyncWaitsForAttributesOnTheirWay(t *testing.T) {
	e := inMemory(t)
	m := e.mountWith(func(c *fs.Config) { c.MetadataDelay = time.Nanosecond })
	e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
	d := e.open(m, "d", os.O_RDONLY)
	gate := fault.NewGate()
	defer gate.Open()
	e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate})
	e.ok(d.Chmod(0o700))
	<-gate.Arrived()
	var synced atomic.Bool
	done := make(chan error)
	go func() {
		err := d.Sync()
		synced.Store(true)
		done <- err
	}()
	e.eventually("it is synced or waits", func() bool { return synced.Load() || running("fs.(*gate).enter") })
	if synced.Load() {
		t.Error("it did not wait")
	}
	gate.Open()
	e.ok(<-done)
}

// TestRenameWaitsForAttributesOnTheirWay renames a directory whose attributes are being
// stored, under the name that it had.
func TestRenameWaitsForAttributesOnTheirWay(t *testing.T) {
	e := inMemory(t)
	m := e.mountWith(func(c *fs.Config) { c.MetadataDelay = time.Nanosecond })
	e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
	e.write(m, "d/f", "content")
	gate := fault.NewGate()
	defer gate.Open()
	e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate})
	e.ok(os.Chmod(filepath.Join(m.Dir, "d"), 0o700))
	<-gate.Arrived()
	var renamed atomic.Bool
	done := make(chan error)
	go func() {
		err := os.Rename(filepath.Join(m.Dir, "d"), filepath.Join(m.Dir, "e"))
		renamed.Store(true)
		done <- err
	}()
	e.eventually("it is renamed or waits", func() bool { return renamed.Load() || running("fs.(*gate).enter") })
	gate.Open()
	e.ok(<-done)
	e.ok(m.FS.Sync(e.Context()))
	e.want("keys", strings.Join(e.keys(), " "), "e/ e/f")
	if mode := e.stat(e.mount(), "e").Mode & 0o7777; mode != 0o700 {
		t.Errorf("mode %o, want 700", mode)
	}
}

// TestDirectoryLosesItsMarker has another client delete the marker of a directory: of its
// attributes nothing is left.
func TestDirectoryLosesItsMarker(t *testing.T) {
	e := inMemory(t)
	m := e.trusting(-1)
	e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
	e.write(m, "d/f", "content")
	e.ok(os.Chmod(filepath.Join(m.Dir, "d"), 0o700))
	e.ok(m.FS.Sync(e.Context()))
	e.want("mode", fmt.Sprintf("%o", e.stat(m, "d").Mode&0o7777), "700")
	e.ok(e.store.Delete(e.Context(), "d/"))
	e.want("mode", fmt.Sprintf("%o", e.stat(m, "d").Mode), fmt.Sprintf("%o", e.stat(e.mount(), "d").Mode))
}
