//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"

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
