//go:build integration

package integration

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sluicefs/sluicefs/integration/s3server"
)

// mishap is what a line does to a request.
type mishap string

// The mishaps.
const (
	flipByte    mishap = "flip a byte"
	cutBody     mishap = "cut the body"
	loseAnswer  mishap = "lose the answer"
	errorIn200  mishap = "answer 200 with an error"
	errorAfter  mishap = "do it and answer 200 with an error"
	noneOfThese mishap = ""
)

// line is the way to a real server, on which something goes wrong now and then.
type line struct {
	to     *url.URL
	client *http.Client

	mu      sync.Mutex
	what    mishap
	matches func(*http.Request) bool
	times   int // that it still happens; a negative number is always
	hits    int
}

// newLine begins a line to a server, and returns the server as it is seen from
// its end.
func newLine(t *testing.T, server s3server.Server) (*line, s3server.Server) {
	t.Helper()
	to, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: to, client: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}}}
	t.Cleanup(l.client.CloseIdleConnections)
	near := httptest.NewServer(l)
	t.Cleanup(near.Close)
	t.Cleanup(near.CloseClientConnections) // first: a connection that is not closed is waited for
	server.Endpoint = near.URL
	return l, server
}

// spoil has something happen to the next requests that match.
func (l *line) spoil(what mishap, times int, matches func(*http.Request) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what, l.times, l.matches, l.hits = what, times, matches, 0
}

func (l *line) take(r *http.Request) mishap {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == 0 || !l.matches(r) {
		return noneOfThese
	}
	l.times--
	l.hits++
	return l.what
}

// spoilt is how many requests something happened to.
func (l *line) spoilt() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hits
}

const errorBody = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>`

// ServeHTTP implements http.Handler. The signature covers the name of the host, so
// the server is told the one that the client has asked.
func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := l.take(r)
	if what == errorIn200 {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, errorBody)
		return
	}
	answer, body, err := l.pass(r, what)
	switch {
	case err != nil, what == loseAnswer, what == cutBody:
		panic(http.ErrAbortHandler) // breaks the connection
	case what == errorAfter:
		_, _ = io.WriteString(w, errorBody)
		return
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body)
}

// pass makes the request of the server, spoilt or not, and takes in its answer.
func (l *line) pass(r *http.Request, what mishap) (*http.Response, []byte, error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", l.to.Scheme, l.to.Host
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case what == flipByte && len(body) > 0:
		body[len(body)/2] ^= 1
	case what == cutBody:
		body = body[:len(body)/2] // fewer than announced
	}
	out.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 && r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	answer, err := l.client.Do(out)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

// isPart, isPut and isComplete tell the requests that carry or publish content.
func isPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}

func isPut(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.RawQuery == "" || r.Method == http.MethodPut && r.URL.Query().Get("x-id") == "PutObject"
}

func isComplete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// TestWire spoils what goes to real servers, and what comes back: a copy succeeds
// only with its own bytes in the store.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, server := range []*sharedServer{&versityGW, &minIO} {
		t.Run(string(server.kind), func(t *testing.T) {
			t.Parallel()
			direct := server.of(t)
			p := realPlace(t, direct)
			wire, near := newLine(t, direct)
			p.server = near
			p.flags = []string{"--provider", string(direct.Kind), "--path-style"}
			m := p.begin("--retry-for=5s")
			large, small := noise(24*mib), noise(300_000)
			for _, c := range []struct {
				name    string
				text    string
				matches func(*http.Request) bool
				ways    []mishap
			}{
				{"put", small, isPut, []mishap{flipByte, cutBody, loseAnswer}},
				{"part", large, isPart, []mishap{flipByte, cutBody, loseAnswer}},
				{"complete", large, isComplete, []mishap{cutBody, loseAnswer, errorIn200, errorAfter}},
			} {
				for _, what := range c.ways {
					t.Run(c.name+", "+string(what), func(t *testing.T) {
						m := m.in(t)
						key := strings.ReplaceAll(c.name+" "+string(what), " ", "-")
						for _, old := range []string{"", "old"} {
							if old != "" {
								key += "-old"
								m.put(key, old, nil)
								m.shows(key, old)
							}
							wire.spoil(what, 2, c.matches)
							m.mustCopy(key, c.text)
							if n := wire.spoilt(); n != 2 {
								t.Errorf("it happened %d times, want 2", n)
							}
							m.shows(key, c.text)
						}
					})
				}
			}
			t.Run("always", func(t *testing.T) {
				m := m.in(t)
				for key, text := range map[string]string{"always-small": small, "always-large": large} {
					m.put(key, "old", nil)
					m.shows(key, "old")
					wire.spoil(flipByte, -1, func(r *http.Request) bool { return isPut(r) || isPart(r) })
					m.mustFail(key, text, "Input/output error")
					wire.spoil(noneOfThese, 0, nil)
					m.isAsItWas(key, "old")
					m.mustCopy(key, text)
				}
			})
			m.unmount()
		})
	}
}
