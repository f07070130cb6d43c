//go:build integration

package integration

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestNothingStays kills tests of each kind in the middle: those that mount by
// themselves, those that have the program do it and stay, and those that have it
// do it by a daemon, each with a server or without. The last of these leaves a
// daemon with bytes and no store for them.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	if _, err := program(); err != nil { // so that nobody has to wait for it
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ tests, when string }{
		"Itself":  {tests: "^TestSemantics$/^memory$/^W"},
		"Writing": {tests: "^TestEndsWhileWriting$", when: "*/*/*/" + isWriting},
		"Program": {tests: "^TestTwoMountsMakeAFile$"},
		"Memory":  {tests: "^TestAskedToEnd$"},
		"Daemon":  {tests: "^TestCLIBusyUmount$"},
		"Dirty":   {tests: "^TestCLIBusyUmount$", when: "*/*/*/mnt/file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mounttest.Killed(t, c.tests, c.when)
		})
	}
}

// isWriting is the name of the file by which TestEndsWhileWriting says how far it is.
const isWriting = "is-writing"

// TestEndsWhileWriting has a file of its own mount open whose descriptor is lower
// than that of the mount. If this process dies, the kernel closes that file first,
// and waits for the mount to answer, which nobody does any more.
func TestEndsWhileWriting(t *testing.T) {
	low, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := objstore.ProfileByName("aws")
	e := newEnv(t, mem.New(p))
	m := e.mount()
	e.ok(low.Close())
	f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
	_, err = io.WriteString(f, "content")
	e.ok(err)
	e.ok(os.WriteFile(filepath.Join(t.TempDir(), isWriting), nil, 0o600))
	_, err = io.Copy(io.Discard, os.Stdin) // where somebody waits to kill us, this does not end
	e.ok(err)
	e.ok(f.Close())
	e.stored("f", "content")
}
