// Testrun runs `go test` with its arguments and prints what went wrong, as `go
// test` does. Beyond that, a test that is skipped makes the run fail, unless it
// is one of those that may be: what nobody looked at is not to pass for tested.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	status, err := follow(cmd)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

// follow runs the tests and returns their exit status.
func follow(cmd *exec.Cmd) (int, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	r := newReport(os.Stdout)
	readErr := r.read(out)
	if err := cmd.Wait(); err != nil {
		if _, failed := errors.AsType[*exec.ExitError](err); !failed {
			return 0, err
		}
	}
	return cmd.ProcessState.ExitCode(), errors.Join(readErr, r.finish())
}
