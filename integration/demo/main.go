package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// The exit statuses.
const (
	exitFailed      = 1
	exitInterrupted = 130 // as shells report a program that ^C ended
)

// limit is how long the demo may take: it needs about a minute on two cores, and
// what takes ten times as long hangs.
const limit = 10 * time.Minute

var errTooSlow = fmt.Errorf("not done after %s", limit)

func main() {
	program := flag.String("sluicefs", ".bin/sluicefs", "the `program` to show")
	flag.Parse()

	// SIGPIPE is there for `make demo | head`, which must not leave a mount.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	timed, cancel := context.WithTimeoutCause(ctx, limit, errTooSlow)
	defer cancel()

	err := run(timed, config{
		out:     os.Stdout,
		program: *program,
		copied:  []string{"crypto", "encoding", "net"},
		synced:  []string{"go"},
		stream:  1 << 30, // 1 GiB
	}, thisHost())
	os.Exit(report(ctx, err))
}

// report prints why the demo failed, a line for each reason, and returns the
// exit status.
func report(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		if left, ok := errors.AsType[*leftError](err); ok {
			fmt.Fprintln(os.Stderr, "demo: interrupted;", left)
		} else {
			fmt.Fprintln(os.Stderr, "demo: interrupted; everything is unmounted and removed")
		}
		return exitInterrupted
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(os.Stderr, "demo:", strings.TrimSpace(line))
	}
	return exitFailed
}
