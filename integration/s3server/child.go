package s3server

import (
	"os/exec"
	"runtime"
	"time"
)

// child is a running program that dies with this one.
type child struct {
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when the program has ended and was waited for
	err  error         // how it ended; read after done is closed
}

// spawn starts cmd and returns when it runs or could not be started. Its
// goroutine ends when the program does: wait for done.
func spawn(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, log: &tail{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c.log, c.log
	cmd.SysProcAttr = dieWithParent()
	cmd.WaitDelay = time.Second

	started := make(chan error)
	go func() {
		defer close(c.done)
		// The kernel's "parent" is the thread that forked, and Go ends threads it
		// has no use for: this one is kept for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
	}()
	return c, <-started
}

// stop ends the program and returns when it is gone. It does not ask first: a
// request that was answered is in the file system, and nobody waits for others.
func (c *child) stop() {
	// An error here means that it has ended already, which done tells.
	_ = c.cmd.Process.Kill()
	<-c.done
}
