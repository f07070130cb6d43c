package s3server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// sweeper removes a folder ($1) when its standard input ends without a line on
// it, that is when the process that held the other end is gone. The pause lets
// the kernel kill the server, which shares that parent, before its files go.
const sweeper = `read -r _ || { sleep 1; rm -rf -- "$1"; }`

// folder is a temporary folder that goes away when it is removed, and also when
// this process ends without having done so.
type folder struct {
	path  string
	sweep *exec.Cmd
	hold  io.WriteCloser // its end, by Close or by our death, wakes the sweeper
}

// newFolder makes a folder whose name begins with prefix, where the system keeps
// temporary ones.
func newFolder(prefix string) (*folder, error) {
	path, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	sweep := exec.Command("/bin/sh", "-c", sweeper, "sweeper", path)
	sweep.Dir = "/"
	// Out of reach of the terminal's ^C, which would end it before its duty.
	sweep.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := sweep.StdinPipe()
	if err == nil {
		err = sweep.Start()
	}
	if err != nil {
		err = fmt.Errorf("start the sweeper of %s: %w", path, err)
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &folder{path: path, sweep: sweep, hold: hold}, nil
}

// remove deletes the folder and dismisses the sweeper.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	if err == nil {
		_, err = io.WriteString(f.hold, "\n")
	}
	// Without that line, the sweeper has a try of its own before it ends.
	return errors.Join(err, f.hold.Close(), f.sweep.Wait())
}
