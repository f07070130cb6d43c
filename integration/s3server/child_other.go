//go:build !linux

package s3server

import "syscall"

// dieWithParent puts a program in a process group of its own. Only Linux can
// also end it with its parent.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
