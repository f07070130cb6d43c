package s3

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// linesTo serves handler and counts the connections that it gets.
func linesTo(t *testing.T, handler http.HandlerFunc) (l *lines, srv *httptest.Server, opened *atomic.Int64) {
	t.Helper()
	opened = &atomic.Int64{}
	srv = httptest.NewUnstartedServer(handler)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	l = newLines(&dialer{reach: (&net.Dialer{}).DialContext}, 2)
	t.Cleanup(l.close)
	return l, srv, opened
}

func ask(t *testing.T, l *lines, ctx context.Context, method, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l.roundTrip(req, func() {})
}

// mustAsk returns the body of an answer.
func mustAsk(t *testing.T, l *lines, method, url string) string {
	t.Helper()
	resp, err := ask(t, l, t.Context(), method, url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestLineIsUsedAgain(t *testing.T) {
	l, srv, opened := linesTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hints" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		io.WriteString(w, r.URL.Path)
		if r.URL.Path == "/chunks" {
			w.(http.Flusher).Flush()
			io.WriteString(w, " and more")
		}
	})
	for _, ask := range [][3]string{
		{"GET", "/a", "/a"}, {"HEAD", "/a", ""}, {"GET", "/hints", "/hints"}, {"GET", "/chunks", "/chunks and more"}, {"GET", "/b", "/b"},
	} {
		if got := mustAsk(t, l, ask[0], srv.URL+ask[1]); got != ask[2] {
			t.Errorf("%s %s: %q", ask[0], ask[1], got)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for requests that follow each other", n)
	}
}

// TestLineThatWasClosedIsReplaced has the store close what is idle.
func TestLineThatWasClosedIsReplaced(t *testing.T) {
	l, srv, opened := linesTo(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	mustAsk(t, l, "GET", srv.URL)
	srv.CloseClientConnections()
	if got := mustAsk(t, l, "GET", srv.URL); got != "x" {
		t.Errorf("%q", got)
	}
	if n := opened.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// TestLineIsNotUsedAgain where something of an answer may still come, or the store
// does not want it.
func TestLineIsNotUsedAgain(t *testing.T) {
	l, srv, opened := linesTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last" {
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, strings.Repeat("x", 1<<20))
	})
	resp, err := ask(t, l, t.Context(), "GET", srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	mustAsk(t, l, "GET", srv.URL+"/last")
	mustAsk(t, l, "GET", srv.URL)
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

// TestLineEndsWithItsContext before an answer and within one.
func TestLineEndsWithItsContext(t *testing.T) {
	here := make(chan struct{})
	l, srv, _ := linesTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begins" {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
		here <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-here; cancel() }()
	if _, err := ask(t, l, ctx, "GET", srv.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer: %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	resp, err := ask(t, l, ctx, "GET", srv.URL+"/begins")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	go func() { <-here; cancel() }()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("an answer that was cut off is whole")
	}
	if free := l.idle; len(free[lineTo{"http", strings.TrimPrefix(srv.URL, "http://")}]) > 0 {
		t.Error("a connection is kept in the middle of an answer")
	}
}

// TestLineSendsNothingForNobody has a request whose context ended before.
func TestLineSendsNothingForNobody(t *testing.T) {
	var asked atomic.Int64
	l, srv, _ := linesTo(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	mustAsk(t, l, "HEAD", srv.URL)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		mustAsk(t, l, "HEAD", srv.URL) // so that one is idle
		if _, err := ask(t, l, ended, "HEAD", srv.URL); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
	}
	if n := asked.Load(); n != 101 {
		t.Errorf("the store was asked %d times, want 101", n)
	}
}

func TestIdleLinesAreClosed(t *testing.T) {
	l, srv, opened := linesTo(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	mustAsk(t, l, "GET", srv.URL)
	l.closeOld() // too early
	mustAsk(t, l, "GET", srv.URL)
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	for _, free := range l.idle {
		free[0].since = time.Now().Add(-idleTime)
	}
	l.closeOld()
	if len(l.idle) > 0 || l.sweep != nil {
		t.Errorf("%d hosts with idle connections", len(l.idle))
	}
	mustAsk(t, l, "GET", srv.URL)
	l.close()
	mustAsk(t, l, "GET", srv.URL) // who asks after the end is answered, and nothing is kept
	if n := opened.Load(); n != 3 || len(l.idle) > 0 {
		t.Errorf("%d connections", n)
	}
}

// TestHeadersThatDoNotEnd are not kept in memory for as long as they come.
func TestHeadersThatDoNotEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for line := "HTTP/1.1 200 OK\r\n"; err == nil; line = "X-A: " + strings.Repeat("x", 1000) + "\r\n" {
			_, err = io.WriteString(c, line)
		}
	}()
	l := newLines(&dialer{reach: (&net.Dialer{}).DialContext}, 2)
	defer l.close()
	if _, err := ask(t, l, t.Context(), "HEAD", "http://"+listener.Addr().String()); !errors.Is(err, errLongHead) {
		t.Errorf("%v", err)
	}
}
