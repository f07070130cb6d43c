package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// statusSocket is where the daemon of a mount answers, in its record.
const statusSocket = "status.sock"

// listenStatus listens in a mount's record.
func listenStatus(dir string) (net.Listener, error) {
	d, path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(filepath.Join(dir, statusSocket)) // of a daemon that is gone
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for sluicefs status: %w", err), d.Close())
	}
	return &inFolder{l, d}, nil
}

// socketPath is a path of the socket that is short enough for the kernel, which
// takes 107 bytes, as long as the directory is open.
func socketPath(dir string) (*os.File, string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, "", fmt.Errorf("open the record of the mount: %w", err)
	}
	return d, fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), statusSocket), nil
}

// inFolder is a listener whose path is that of an open directory.
type inFolder struct {
	net.Listener
	dir *os.File
}

// Close implements net.Listener. The socket goes before the directory does.
func (l *inFolder) Close() error { return errors.Join(l.Listener.Close(), l.dir.Close()) }

// statusHandler answers sluicefs status.
func statusHandler(m *monitor) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(m.now()) // who asked has gone
	})
	return mux
}

// answer serves a handler until the function returned is called.
func answer(l net.Listener, h http.Handler) (stop func() error) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }() // ends with Close
	return func() error {
		err := srv.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}

// watch lets others see what the mount does: sluicefs status, and Prometheus where
// the user wants it. What it starts ends with the mount.
func (m *mounted) watch(mon *monitor, metricsAddr string) error {
	before := func(stop func() error) { m.closers = append([]func() error{stop}, m.closers...) }
	if metricsAddr != "" {
		l, err := listenMetrics(metricsAddr)
		if err != nil {
			return err
		}
		m.log.WithField("address", l.Addr().String()).Info("serving metrics")
		before(answer(l, metricsHandler(mon)))
	}
	l, err := listenStatus(m.record.dir)
	if err != nil {
		m.log.WithError(err).Warn("sluicefs status will not know of this mount")
		return nil
	}
	before(answer(l, statusHandler(mon)))
	return nil
}
