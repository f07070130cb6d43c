package s3server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// readyTimeout bounds the wait for a server's first answer. MinIO takes about
	// two seconds on an idle machine; this is for one with other work.
	readyTimeout = time.Minute
	// readyInterval is the pause between two looks.
	readyInterval = 20 * time.Millisecond
)

// endedError is a server that ended before it answered.
type endedError struct {
	cause  error // how the process ended
	output string
}

func (e *endedError) Error() string {
	return fmt.Sprintf("the server ended before it answered (%v):\n%s", e.cause, strings.TrimSpace(e.output))
}

func (e *endedError) Unwrap() error { return e.cause }

// waitReady returns nil when the server serves requests.
func (p *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout,
		fmt.Errorf("no answer within %s", readyTimeout))
	defer cancel()
	// A client of our own: its connections go with it, and no proxy of the
	// environment is asked for a loopback address. Nothing secret is sent, and the
	// certificate may be the caller's own.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	look := time.NewTicker(readyInterval)
	defer look.Stop()
	for {
		err := p.ready(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-p.child.done:
			return &endedError{cause: p.child.err, output: p.Log()}
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer: %w (last: %v):\n%s", context.Cause(ctx), err, p.Log())
		case <-look.C:
		}
	}
}

// ready asks the server once. A list of all buckets without a signature is
// refused by a server that is up, with a status below 500; MinIO answers 503
// to it until it has loaded its accounts, and says by a page of its own when it
// can store data.
func (p *Process) ready(ctx context.Context, client *http.Client) error {
	pages := []string{"/"}
	if p.Kind == KindMinIO {
		pages = append(pages, "/minio/health/cluster")
	}
	for _, page := range pages {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Endpoint+page, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode >= 500 {
			return fmt.Errorf("%s answers %s", page, resp.Status)
		}
	}
	return nil
}
