//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestUnlinkOfAFailedFile deletes a file whose close has just failed, as programs do:
// before the mount is done with it, which tells the kernel then that the name is gone.
// The kernel has the directory locked meanwhile, for the unlink.
func TestUnlinkOfAFailedFile(t *testing.T) {
	e := inMemory(t)
	m := e.mount()
	gate := fault.NewGate()
	defer gate.Open()
	e.store.Add(fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	e.store.Add(fault.Rule{Op: objstore.OpAbort, Mode: fault.Delay, Gate: gate})
	name := filepath.Join(m.Dir, "f")
	f, err := os.Create(name)
	e.ok(err)
	_, err = f.WriteString(noise(streamed))
	e.ok(err)
	e.fails("close", f.Close(), syscall.EACCES)
	<-gate.Arrived()
	e.eventually("the file is released", func() bool { return running("fs.(*fileNode).endWriting") })
	removed := make(chan error)
	go func() { removed <- syscall.Unlink(name) }()
	e.eventually("it is being unlinked", func() bool { return running("fs.(*dirNode).unlink") })
	gate.Open()
	if err := <-removed; err != nil && err != syscall.ENOENT {
		t.Errorf("unlink: %v", err)
	}
	e.want("names", e.names(m, "."), "")
}

// running reports that a goroutine is in a function.
func running(function string) bool {
	buf := make([]byte, 8<<20)
	return strings.Contains(string(buf[:runtime.Stack(buf, true)]), function)
}
