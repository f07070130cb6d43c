package main

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"
)

// serve mounts, tells the parent, and goes on until the mount has ended.
func (p *program) serve(ctx context.Context, o *mountOptions, up *parent) error {
	file, err := o.openLog(up != nil)
	if err != nil {
		return up.failed(err)
	}
	out, hangup := p.stderr, func() error { return nil }
	if file != nil {
		out, hangup = file, file.reopen
	}
	log, err := newLogger(o.log, out)
	if err != nil {
		return up.failed(err)
	}
	stop := watchSignals(ctx, func() {
		if err := hangup(); err != nil {
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
		if err := errors.Join(detach(file), up.tell(nil)); err != nil {
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
	return p.tell(v)
}

// openLog opens the file for the log. There is none in the foreground, unless one was
// asked for: standard error is the log.
func (o *mountOptions) openLog(daemon bool) (*logFile, error) {
	switch {
	case o.log.file != "":
		return openLogFile(o.log.file, 0)
	case daemon:
		return openDefaultLog(o.stateDir, o.mountpoint)
	}
	return nil, nil
}
