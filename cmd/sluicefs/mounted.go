package main

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
)

// tree is what the end of a mount needs of the file system.
type tree interface {
	Wait()                      // until it is unmounted and settled
	Sync(context.Context) error // stores changes of metadata that are held back
	Unmount() error             // fails while files are open
}

// writes is what the end of a mount needs of the uploader.
type writes interface {
	Drain(context.Context) error // refuses new files, waits for those that are open
	Close() error                // gives up, within a few seconds, what is left
}

// mounted is a mount that answers, and everything that has to end with it.
type mounted struct {
	tree     tree
	writes   writes
	detach   func() error             // unmounts lazily
	covered  func() error             // says what lies above the mount, if anything does
	unstored func() ([]unstored, int) // the files whose last content is not stored, and how many more
	closers  []func() error           // of what lies below, run in order
	record   *record
	info     mountInfo
	log      *logrus.Entry
}

// end serves until somebody unmounts or the first signal comes, stores what is
// under way, and takes everything down. A second signal cuts it short.
func (m *mounted) end(stop *stopper) verdict {
	gone := make(chan struct{})
	go func() { // ends with the mount, or with the process after a lazy unmount
		m.tree.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-stop.asked.Done():
		m.log.Info("asked to end: storing what is being written")
	}
	reason := ""
	if err := m.store(stop.forced); err != nil {
		m.log.WithError(err).Error("stopped before everything was stored")
		reason = "not everything was stored: " + err.Error()
		if stop.forced.Err() != nil {
			reason = "a second signal ended it while files were being written"
		}
	}
	m.leave(gone, reason == "")
	return m.finish(reason)
}

// store waits until everything is stored that programs were told is.
func (m *mounted) store(ctx context.Context) error {
	if err := m.writes.Drain(ctx); err != nil {
		return err
	}
	return m.tree.Sync(ctx)
}

// leave takes the mount away from its place. When everything is stored,
// programs that still read or stay there lose it, too: an end was asked for.
func (m *mounted) leave(gone <-chan struct{}, orderly bool) {
	select {
	case <-gone:
		return
	default:
	}
	if err := m.covered(); err != nil { // an unmount would take that off, and not end
		m.log.WithError(err).Error("the mount stays behind without a daemon")
		return
	}
	if orderly {
		err := m.tree.Unmount()
		if err == nil {
			<-gone
			return
		}
		m.log.WithError(err).Warn("files are still open: unmounting lazily")
	}
	if err := m.detach(); err != nil {
		m.log.WithError(err).Error("the mount stays behind without a daemon")
	}
}

// giveUp takes down a mount that nobody waits for.
func (m *mounted) giveUp() {
	m.leave(nil, false)
	m.finish("it was given up")
}

// finish closes what lies below the mount and writes the verdict.
func (m *mounted) finish(reason string) verdict {
	warn := func(err error) {
		if err != nil {
			m.log.WithError(err).Warn("closing down")
		}
	}
	warn(m.writes.Close()) // what it gives up counts as not stored
	files, more := m.unstored()
	v := verdict{
		Mountpoint: m.info.Mountpoint, Source: m.info.Source, Ended: time.Now(),
		Reason: reason, Files: append([]unstored{}, files...), More: more, // an empty list in JSON, not null
	}
	v.Stored = reason == "" && v.missing() == 0
	for _, c := range m.closers {
		warn(c())
	}
	warn(m.record.finish(v))
	m.log.WithFields(logrus.Fields{"stored": v.Stored, "not stored": v.missing()}).Info("unmounted")
	warn(m.record.close()) // from now on nobody waits for this process
	return v
}
