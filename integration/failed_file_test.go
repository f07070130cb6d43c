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

// TestOpenOfAFailedFile opens a file whose close has just failed, before the mount is done
// with it. The object there now has a time that a listing does not tell: the kernel looks
// once more when it is told that the file is another one now, but not twice.
func TestOpenOfAFailedFile(t *testing.T) {
	e := inMemory(t)
	e.put("f", "old", nil)
	m := e.trusting(-1)
	gate := fault.NewGate()
	defer gate.Open()
	denied := e.store.Add(fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	e.store.Add(fault.Rule{Op: objstore.OpAbort, Mode: fault.Delay, Gate: gate})
	name := filepath.Join(m.Dir, "f")
	e.fails("write", os.WriteFile(name, []byte(noise(streamed)), 0o644), syscall.EACCES)
	denied.Remove()
	<-gate.Arrived()
	e.put("f", noise(10_000), map[string]string{"mtime": "1500000000"})
	written := make(chan error)
	go func() { written <- os.WriteFile(name, []byte("again"), 0o644) }()
	e.eventually("it is being opened", func() bool { return running("fs.(*fileNode).awaitFailed") })
	gate.Open()
	e.ok(<-written)
	e.stored("f", "again")
}
