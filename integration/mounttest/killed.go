package mounttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/scratch"
)

// Killed runs other tests of this test program in another process and kills it as
// soon as there is a file like when in its temporary folder, or something mounted if
// that is "". Nothing of it may stay: no mount, no file, no process. The package
// must have [Main] in its TestMain.
func Killed(t *testing.T, tests, when string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self, "-test.run", tests)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := cmd.StdinPipe() // with a test that reads to its end, there is time
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // "signal: killed", as asked
	}()
	over := func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
	isTime := func() bool {
		if when == "" {
			return len(mounted(t, dir)) > 0
		}
		files, err := filepath.Glob(filepath.Join(dir, when))
		return err == nil && len(files) > 0
	}
	came := waitFor(func() bool { return isTime() || over() })
	early := !over()
	_ = cmd.Process.Kill()
	if !waitFor(over) {
		t.Fatal("the process cannot die")
	}
	switch {
	case !early:
		t.Fatalf("%s had ended before it could be killed", tests)
	case !came:
		t.Fatalf("%s has not got there in %v", tests, patience)
	}
	if !waitFor(func() bool { return len(mounted(t, dir)) == 0 }) {
		t.Errorf("mounts are left: %q", mounted(t, dir))
	}
	if !waitFor(func() bool { return len(processes(t, dir)) == 0 }) {
		t.Errorf("processes are left: %q", processes(t, dir))
	}
	var left []os.DirEntry
	if !waitFor(func() bool { left, err = os.ReadDir(dir); return err == nil && len(left) == 0 }) {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// waitFor looks until something is so, and gives up in the end.
func waitFor(so func() bool) bool {
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); !so(); <-look.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func mounted(t *testing.T, dir string) []string {
	at, err := scratch.Mounted(dir)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
