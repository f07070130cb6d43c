package s3

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// maxEarly bounds the answer that comes before the body was sent: an error.
const maxEarly = 1 << 20 // 1 MiB

// transport sends requests, each through the pool of its exchange.
type transport struct {
	pools [3]*http.Transport
	lines [3]*lines // nil for sendPool
	proxy func(*http.Request) (*url.URL, error)
	ways  sync.Map // of lineTo to whether it takes lines; hosts are few
	clock clock
}

func newTransport(cfg Config) (*transport, error) {
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: cfg.NoVerifyTLS,
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
		NextProtos:         []string{"http/1.1"},
	}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, invalid("", err)
		}
		if conf.RootCAs, err = x509.SystemCertPool(); err != nil {
			conf.RootCAs = x509.NewCertPool()
		}
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, invalid("no certificate in "+cfg.CAFile, nil)
		}
	}
	conns := cfg.MaxConns
	if conns <= 0 {
		conns = DefaultConns
	}
	t := &transport{proxy: http.ProxyFromEnvironment}
	d := &dialer{reach: cfg.Dial, private: cfg.Dial != nil, tls: conf, limit: newLimits(cfg.Bandwidth)}
	if d.reach == nil {
		d.reach = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if d.private {
		t.proxy = nil
	}
	const metadataConns = 192 // all of retry's other lanes
	t.pools[metadataPool] = t.newPool(d, 0, metadataConns)
	t.pools[sendPool] = t.newPool(d, conns, conns)
	t.pools[readPool] = t.newPool(d, 0, conns) // open bodies are the callers' to bound
	t.lines[metadataPool] = newLines(d, metadataConns)
	t.lines[readPool] = newLines(d, conns)
	return t, nil
}

// newPool makes a pool of at most limit connections (0: as many as are asked
// for), of which it keeps idle ones. HTTP/1.1 is forced: over HTTP/2 all parts
// would share one connection and its window. Idle connections go before the
// stores close them, which they do after 30 to 60 s.
func (t *transport) newPool(d *dialer, limit, idle int) *http.Transport {
	return &http.Transport{
		Proxy:               t.proxy,
		DialContext:         d.plain,
		DialTLSContext:      d.secure,
		TLSClientConfig:     d.tls, // for proxies, which DialTLSContext does not serve
		TLSHandshakeTimeout: 10 * time.Second,
		// After that a body is sent unasked to a store that was asked to expect it.
		ExpectContinueTimeout: time.Second,
		MaxConnsPerHost:       limit,
		MaxIdleConnsPerHost:   idle,
		IdleConnTimeout:       idleTime,
		DisableCompression:    true,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
		ReadBufferSize:        lineRead,
	}
}

func (t *transport) close() {
	for _, p := range t.pools {
		p.CloseIdleConnections()
	}
	for _, l := range t.lines {
		if l != nil {
			l.close()
		}
	}
}

// trip sends a request over connections of a pool. Proxies are net/http's business.
func (t *transport) trip(req *http.Request, p pool, x *exchange) (*http.Response, error) {
	l := t.lines[p]
	plain := req.Body == nil && (req.Method == http.MethodGet || req.Method == http.MethodHead)
	if l == nil || !plain || !t.straight(req) {
		if x != nil {
			req = x.traced(req)
		}
		return t.pools[p].RoundTrip(req)
	}
	return l.roundTrip(req, func() {
		if x != nil {
			x.reached = true
		}
	})
}

// straight reports that requests to a host can take lines: no proxy is in between, and
// its name needs no translation. The environment, which tells of proxies, is read once
// by net/http, too.
func (t *transport) straight(req *http.Request) bool {
	to := lineTo{req.URL.Scheme, req.URL.Host}
	if known, ok := t.ways.Load(to); ok {
		return known.(bool)
	}
	straight := plainHost(req.URL.Host)
	if straight && t.proxy != nil {
		u, err := t.proxy(req)
		straight = u == nil && err == nil
	}
	t.ways.Store(to, straight)
	return straight
}

// Do implements the SDK's HTTPClient. It follows no redirects: their bodies are
// errors that tell the right region.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	x := exchangeIn(req.Context())
	if x == nil {
		return t.trip(req, metadataPool, nil)
	}
	x.tried = true
	if req.Body != nil {
		own := *req
		own.Body = onlyRead{req.Body}
		if x.body != nil {
			own.Body = x.body
		}
		req = &own
	}
	resp, err := t.trip(req, x.pool, x)
	if err == nil {
		x.status, x.header, x.length = resp.StatusCode, resp.Header, resp.ContentLength
		t.clock.heard(resp.Header)
	}
	if x.body != nil {
		settle(req.Context(), x.body, resp)
	}
	if err != nil {
		return nil, err
	}
	if !x.stream || resp.StatusCode >= 300 {
		resp.Body = &watched{resp.Body, x}
	}
	if x.lists {
		x.listing = takeListing(resp)
	}
	if x.sanitise {
		resp.Body = newSanitised(resp.Body)
	}
	return resp, nil
}

// onlyRead is a body without WriteTo. Of a body that it has closed, which it does when
// the headers of the answer are there, the SDK's WriteTo returns EOF as an error. net/http
// may look for the end of the body only then, and would break the connection with the
// rest of the answer still to come.
type onlyRead struct{ io.ReadCloser }

// settle sees to it that nobody reads the body any more. A store that took the
// request has read all of it. One that refused may have stopped reading: then
// its answer is taken in before the connection is broken.
func settle(ctx context.Context, body *outBody, resp *http.Response) {
	if resp != nil && resp.StatusCode < 300 {
		body.wait(ctx)
	} else if resp != nil && !body.sent() {
		early, err := io.ReadAll(io.LimitReader(resp.Body, maxEarly))
		if err == nil {
			resp.Body.Close()
			resp.Body = io.NopCloser(bytes.NewReader(early))
		}
	}
	body.stop()
}

// watched notes in the exchange that the body of an answer broke off, which an
// XML parser would make a syntax error of.
type watched struct {
	io.ReadCloser
	x *exchange
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.x.broken = err
	}
	return n, err
}
