//go:build integration

package integration

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestUnmountWhileReadingAhead unmounts while the kernel still waits for what it reads
// ahead, of which no program knows: nothing is waited for, and nothing is logged (which
// mounttest looks after).
func TestUnmountWhileReadingAhead(t *testing.T) {
	e := inMemory(t)
	e.put("f", string(make([]byte, 8<<20)), nil)
	m := e.mount()
	f := e.open(m, "f", os.O_RDONLY)
	gate := fault.NewGate()
	defer gate.Open()
	e.store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Delay, Gate: gate})
	e.ok(unix.Fadvise(int(f.Fd()), 0, 1<<20, unix.FADV_WILLNEED))
	<-gate.Arrived()
	e.ok(f.Close())
	m.Unmount()
}
