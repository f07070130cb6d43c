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
	"strconv"
	"syscall"
)

// sweeper removes a folder ($1) with all that is mounted in it when the process that
// made it ($2) has ended. It is dismissed by a line on its standard input, and begins
// its work when that ends without one.
//
// It does not end if the process dies with files of its own mount open: to close
// them waits for an answer of the mount, that is, of the process, and what it holds
// is held until then. So the sweeper looks once a second whether the process
// is about to end (PF_EXITING, see proc(5)), and aborts such a mount.
//
// A mount may go by itself meanwhile, and its number be that of another one at once: what
// is aborted was opened before the mount was seen to be there still.
//
// Descriptors that were passed on to us are closed: they may be locks of others.
// The pauses let other children of that process, which the kernel or the
// unmounting ends, end before their files go.
const sweeper = `exec 3<&0 </dev/null 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
trap : TERM
read -r _ <&3 & reader=$!
(
	while sleep 1; read -r stat </proc/$2/stat; do
		set -- "$1" "$2" ${stat##*) }
		[ $(($9 & 4)) = 0 ] || break
	done
	kill $$
) 3<&- 2>/dev/null & watcher=$!
wait $reader && { kill $watcher; exit; }
kill $reader $watcher 2>/dev/null
sleep 1
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ device _ at _; do
	case $at in "$1"/*) ;; *) continue ;; esac
	{ grep -qF " $device / $at " /proc/self/mountinfo && echo 1 >&3; } 2>/dev/null 3>/sys/fs/fuse/connections/${device#*:}/abort
	umount -f -l "$at" || fusermount3 -u -z "$at"
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
	sweep := exec.Command("/bin/sh", "-c", sweeper, "sweeper", path, strconv.Itoa(os.Getpid()))
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
