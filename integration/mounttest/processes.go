package mounttest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// processes returns the command lines of those processes that were started with a
// folder as their place for temporary files, or have it among their arguments.
func processes(t *testing.T, dir string) (out []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		// Of a process that has ended, or is somebody else's, there is nothing to read.
		args, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(p, "environ"))
		if bytes.Contains(args, []byte(dir)) || bytes.Contains(env, []byte("TMPDIR="+dir)) {
			out = append(out, string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
		}
	}
	return out
}
