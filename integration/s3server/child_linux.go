package s3server

import "syscall"

// dieWithParent puts a program in a process group of its own and has the kernel
// kill it when the thread that starts it ends.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
