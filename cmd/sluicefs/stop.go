package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stopper turns the signals that end a mount into contexts: the first SIGTERM or
// SIGINT asks for an orderly end, the second for one at once.
type stopper struct {
	asked  context.Context // ends with the first
	forced context.Context // ends with the second

	signals chan os.Signal
	wg      sync.WaitGroup
}

// watchSignals begins to take the signals; hangup is called for each SIGHUP. Only
// close gives them back.
func watchSignals(ctx context.Context, hangup func()) *stopper {
	forced, force := context.WithCancel(ctx)
	asked, ask := context.WithCancel(forced)
	s := &stopper{asked: asked, forced: forced, signals: make(chan os.Signal, 4)}
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	s.wg.Go(func() {
		defer force()
		for sig := range s.signals {
			switch {
			case sig == syscall.SIGHUP:
				hangup()
			case asked.Err() == nil:
				ask()
			default:
				force()
			}
		}
	})
	return s
}

// close ends the watch and both contexts.
func (s *stopper) close() {
	signal.Stop(s.signals)
	close(s.signals)
	s.wg.Wait()
}
