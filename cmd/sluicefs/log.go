package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// logOptions say what is logged, and where to.
type logOptions struct {
	level  string
	format string
	file   string // "" is standard error in the foreground, and that of openDefaultLog otherwise
}

// newLogger makes the root of all log entries, which are handed down from here.
func newLogger(o logOptions, out io.Writer) (*logrus.Entry, error) {
	level, err := logrus.ParseLevel(o.level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	log := logrus.New()
	log.SetLevel(level)
	log.SetOutput(out)
	if o.format == "json" {
		log.SetFormatter(&logrus.JSONFormatter{})
	} else {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, DisableColors: true})
	}
	return logrus.NewEntry(log), nil
}

// logFile is a log that can be moved away while it is written: reopen begins the
// file anew under its name. Its methods may be called from any goroutine.
type logFile struct {
	path string
	most int64 // from how many bytes on it is begun anew by itself, and the one before kept; 0 is never

	mu     sync.Mutex
	file   *os.File
	size   int64
	errors bool // the process's standard error goes there, too
}

// openLogFile opens or makes the file; what is in it stays.
func openLogFile(path string, most int64) (*logFile, error) {
	l := &logFile{path: path, most: most}
	if err := l.reopen(); err != nil {
		return nil, err
	}
	return l, nil
}

// Write appends a line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.size > 0 && l.size+int64(len(p)) > l.most {
		// Where this fails, the log gets longer instead of losing a line.
		if os.Rename(l.path, l.path+".old") == nil {
			_ = l.open()
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

// reopen opens the file under its name; the one before is kept on failure.
func (l *logFile) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open()
}

// takeErrors has the process's standard error go to the log from now on: a crash is
// described there.
func (l *logFile) takeErrors() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors = true
	return l.redirect(l.file)
}

// open is reopen for who has the lock.
func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log file: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		err = l.redirect(f)
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("open the log file: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.size = f, info.Size()
	return nil
}

func (l *logFile) redirect(f *os.File) error {
	if !l.errors {
		return nil
	}
	if err := unix.Dup3(int(f.Fd()), int(os.Stderr.Fd()), 0); err != nil {
		return fmt.Errorf("redirect standard error: %w", err)
	}
	return nil
}
