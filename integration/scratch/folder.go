// Package scratch makes temporary folders that do not outlive their process,
// however it ends: what is mounted in them is unmounted and they are removed,
// also when the process was killed. Tests and the demo keep everything in them.
package scratch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// sweeper waits until its standard input ends. If that comes without a line on it,
// the process that held the other end is gone: it then removes the folder ($1)
// with all that is mounted in it. The pauses let other children of that process,
// which the kernel or the unmounting ends, end before their files go. Taking a mount
// away ends its daemon, unless the daemon is gone already.
const sweeper = `read -r _ && exit
sleep 1
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ at _; do
	case $at in "$1"/*) umount -l "$at" || fusermount3 -u -z "$at" ;; esac
done <<END
$mounts
END
for _ in 1 2 3 4 5; do
	rm -rf --one-file-system "$1" && exit
	sleep 1
done`

// Folder is a temporary folder that goes away when it is removed, and also when
// this process ends without having done so.
type Folder struct {
	Path string

	sweep *exec.Cmd
	hold  io.WriteCloser // its end, by Close or by our death, wakes the sweeper
}

// New makes a folder whose name begins with prefix, where the system keeps
// temporary ones.
func New(prefix string) (*Folder, error) {
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
	return &Folder{Path: path, sweep: sweep, hold: hold}, nil
}

// Remove deletes the folder and dismisses the sweeper. Nothing may be mounted in
// the folder any more: it would be emptied.
func (f *Folder) Remove() error {
	err := os.RemoveAll(f.Path)
	if err == nil {
		_, err = io.WriteString(f.hold, "\n")
	}
	// Without that line, the sweeper has a try of its own before it ends.
	return errors.Join(err, f.hold.Close(), f.sweep.Wait())
}
