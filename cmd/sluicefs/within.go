package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// answerTime is how long a file system may take to say whether it has a daemon.
const answerTime = 2 * time.Second

// within waits for a call until ctx ends. A call that hangs in a file system whose
// daemon does not answer is left behind, and ends with the process.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := call()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// resolve finds the mountpoint, on a way that may lead through a file system that
// does not answer.
func resolve(ctx context.Context, path string) (string, error) {
	full, err := within(ctx, func() (string, error) { return mounttable.Resolve(path) })
	if ctx.Err() != nil {
		return "", fmt.Errorf("find the mountpoint %s: %w", path, endOf(ctx))
	}
	return full, err
}

// endOf says why a context ended, in the user's words.
func endOf(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the time was over before a file system answered")
	}
	return errors.New("interrupted")
}

// connected tells whether the FUSE file system at path has a daemon, which may be
// one that does not answer. Attributes the kernel may know without asking it; how full
// the file system is, it does not.
func connected(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	st, err := within(ctx, func() (st unix.Statfs_t, err error) {
		err = unix.Statfs(path, &st)
		return st, err
	})
	if err != nil {
		return !errors.Is(err, unix.ENOTCONN)
	}
	// Of a mount that its user shares with nobody, not even root, the kernel says nothing.
	return st.Bsize != 0
}
