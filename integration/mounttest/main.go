package mounttest

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/integration/scratch"
)

// Main runs the tests of a package, for its TestMain, and returns the exit status.
// They get a temporary folder of their own, which goes away with all that is
// mounted in it, also when they are killed. Tests that end must leave it empty;
// before that is looked at, what they have in common is ended.
func Main(m *testing.M, end ...func() error) int {
	folder, err := scratch.New("sluicefs-test-")
	if err == nil {
		err = os.Setenv("TMPDIR", folder.Path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	heed(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	status := m.Run()
	for _, end := range append(end, func() error { return leaves(folder) }) {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
	}
	return status
}

// heed has programs that the tests start die of signals which this process was
// started to ignore, as by nohup or behind an & of a script: those that a process
// catches are not passed on as ignored.
func heed(signals ...os.Signal) {
	for _, s := range signals {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s) // nobody listens
		}
	}
}

// leaves removes the folder of the tests. An error says what they left in it.
func leaves(folder *scratch.Folder) error {
	left, err := os.ReadDir(folder.Path)
	if err != nil {
		return err
	}
	if at, err := scratch.Mounted(folder.Path); err != nil || len(at) > 0 {
		return fmt.Errorf("the tests left mounts behind: %q (%w)", at, err) // the sweeper takes them
	}
	if err := folder.Remove(); err != nil || len(left) > 0 {
		return fmt.Errorf("the tests left files behind: %v (%w)", left, err)
	}
	return nil
}
