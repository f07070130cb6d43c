package main

import (
	"context"
	"errors"
	"io"

	"github.com/sirupsen/logrus"
)

// serve mounts, tells the parent, and goes on until the mount has ended.
func (p *program) serve(ctx context.Context, o *mountOptions, up *parent) error {
	out, reopen, err := p.logOutput(o, up != nil)
	if err != nil {
		return up.failed(err)
	}
	log, err := newLogger(o.log, out)
	if err != nil {
		return up.failed(err)
	}
	stop := watchSignals(ctx, func() {
		if err := reopen(); err != nil {
			log.Error(err)
		}
	})
	defer stop.close()
	m, err := p.begin(stop.asked, o, log)
	if err != nil {
		return up.failed(err)
	}
	log.WithFields(logrus.Fields{"source": o.where.String(), "mountpoint": o.mountpoint, "version": versionName()}).Info("mounted")
	if up != nil {
		if err := errors.Join(detach(o.log.file), up.tell(nil)); err != nil {
			log.WithError(err).Error("nobody waits for this mount any more")
			m.giveUp()
			return err
		}
	}
	return p.report(m.end(stop), up)
}

// report tells what became of the files, in the foreground also to the user.
func (p *program) report(v verdict, up *parent) error {
	if up != nil {
		return &exitError{status: statusOf(v.err())}
	}
	return errors.Join(v.print(p.stdout), v.err())
}

// logOutput returns where the log goes, and what SIGHUP does.
func (p *program) logOutput(o *mountOptions, daemon bool) (io.Writer, func() error, error) {
	switch {
	case o.log.file != "":
		f, err := openLogFile(o.log.file)
		if err != nil {
			return nil, nil, err
		}
		return f, f.reopen, nil
	case daemon:
		return io.Discard, func() error { return nil }, nil
	}
	return p.stderr, func() error { return nil }, nil
}
