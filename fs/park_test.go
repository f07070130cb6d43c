package fs

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestTemporaryName(t *testing.T) {
	for name, want := range map[string]bool{
		".f.Ab12Cd":        true,
		".name.txt.aaaaaa": true,
		"f.Ab12Cd":         true, // with --temp-dir
		".Ab12Cd":          true, // of a name too long for the path
		"..Ab12Cd":         true,
		".f.Ab12C":         false,
		".f.Ab12Cde":       false,
		".f.Ab-2Cd":        false,
		".f.Ab1.Cd":        false,
		".fAb12Cd":         false,
		"Ab12Cd":           false,
		"":                 false,
	} {
		if got := temporaryName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestRuns(t *testing.T) {
	root := t.TempDir()
	for tid, comm := range map[string]string{"1": "rsync\n", "2": "rsyncd\n", "3": "my rsync\n"} {
		if err := os.MkdirAll(filepath.Join(root, tid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, tid, "comm"), []byte(comm), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var probes sync.WaitGroup
	p := newProcesses(&probes)
	p.root = root
	for tid, want := range map[uint32]bool{1: true, 2: false, 3: false, 4: false, 0: false} {
		if got := p.runs(tid, "rsync"); got != want {
			t.Errorf("thread %d: %v", tid, got)
		}
	}
	probes.Wait()
}
