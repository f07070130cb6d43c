package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sirupsen/logrus"
)

// logOptions say what is logged, and where to.
type logOptions struct {
	level  string
	format string
	file   string // "" is standard error in the foreground, and nowhere otherwise
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

	mu   sync.Mutex
	file *os.File
}

// openLogFile opens or makes the file; what is in it stays.
func openLogFile(path string) (*logFile, error) {
	l := &logFile{path: path}
	if err := l.reopen(); err != nil {
		return nil, err
	}
	return l, nil
}

// Write appends a line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

// reopen opens the file under its name; the one before is kept on failure.
func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log file: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file = f
	return nil
}
