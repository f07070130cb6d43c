package mounttest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/scratch"
)

// Killed runs other tests of this test program in another process, kills it as soon
// as they have something mounted, and wants nothing of it to stay: no mount,
// no file, no process. The package must have [Main] in its TestMain.
func Killed(t *testing.T, tests string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self, "-test.run", tests)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
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
	sawMount := waitFor(func() bool { return len(mounted(t, dir)) > 0 || over() }) && !over()
	_ = cmd.Process.Kill()
	<-ended
	if !sawMount {
		t.Fatalf("%s mounted nothing for long enough to be killed", tests)
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
