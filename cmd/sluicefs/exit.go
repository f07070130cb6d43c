package main

import "errors"

// The exit statuses; the help and the manual page list them.
const (
	exitOK        = 0 // done; umount: and everything is stored
	exitFailed    = 1 // not done: nothing was mounted, or nothing was unmounted
	exitUsage     = 2 // the command line is wrong
	exitNotStored = 3 // unmounted, but not everything that was written is stored
	exitUnsafe    = 5 // doctor: a mount with these flags would not be safe
	exitTimeout   = 4 // umount: unmounted, and the time was over before all was stored
)

// exitError is an error that asks for its own exit status. Without an error in
// it, everything that there is to say was said.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError marks a mistake in what the user typed.
func usageError(err error) error { return &exitError{status: exitUsage, err: err} }

// statusOf returns the exit status for the outcome of a command.
func statusOf(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status
	}
	return exitFailed
}
