//go:build integration

package integration

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
)

// awsPlace is a bucket of an AWS in memory, behind an HTTP server that has not
// started yet. between may look at its requests first.
func awsPlace(t *testing.T, between func(http.Handler) http.Handler) (*place, *httptest.Server) {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("there is no profile of AWS")
	}
	e := newEnv(t, mem.New(p))
	var handler http.Handler = memhttp.New(e.store, "bucket", memhttp.PersonalityOf(&p))
	if between != nil {
		handler = between(handler)
	}
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of handshakes that are to fail
	t.Cleanup(srv.Close)
	server := s3server.Server{Region: "us-east-1", AccessKey: "sluicefs", SecretKey: "secret-of-nobody"}
	return &place{env: e, server: server, bucket: "bucket", flags: []string{"--provider", "aws", "--path-style"}}, srv
}

// goesRoundTrip writes and reads a small file and one that is sent in parts.
func (m *realMount) goesRoundTrip() {
	m.Helper()
	big := noise(streamed)
	m.write("small", "content")
	m.write("big", big)
	m.stored("small", "content")
	m.stored("big", big)
	m.put("other", "of another client", nil)
	m.shows("other", "of another client")
	m.unmount()
}

// TestCredentialsThatEndDuringAnUpload takes the key away from a writer who has sent
// parts, with a program as the source of credentials that names no end.
func TestCredentialsThatEndDuringAnUpload(t *testing.T) {
	t.Parallel()
	var valid atomic.Value
	valid.Store("KEY1")
	var refused atomic.Int64
	p, srv := awsPlace(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := valid.Load().(string)
			if strings.Contains(r.Header.Get("Authorization"), "Credential="+key+"/") && r.Header.Get("X-Amz-Security-Token") == "token-of-"+key {
				next.ServeHTTP(w, r)
				return
			}
			refused.Add(1)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>")
		})
	})
	srv.Start()
	p.server.Endpoint = srv.URL
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nk=$(cat %s/key)\n"+
		`echo "{\"Version\":1,\"AccessKeyId\":\"$k\",\"SecretAccessKey\":\"hush-hush\",\"SessionToken\":\"token-of-$k\"}"`+"\n", dir)
	p.ok(os.WriteFile(filepath.Join(dir, "credentials"), []byte(script), 0o700))
	p.ok(os.WriteFile(filepath.Join(dir, "key"), []byte("KEY1"), 0o600))
	config := "[profile rotating]\ncredential_process = " + filepath.Join(dir, "credentials") + "\n"
	p.ok(os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	m := p.beginIn([]string{"AWS_CONFIG_FILE=" + filepath.Join(dir, "config")},
		"--profile", "rotating", "--log-level", "debug", "--write-back=false") // the kernel would keep the bytes for a while

	text := noise(64 << 20)
	f, err := os.Create(m.at("f"))
	p.ok(err)
	defer f.Close()
	_, err = io.WriteString(f, text[:len(text)/2])
	p.ok(err)
	m.parts("f")
	p.ok(os.WriteFile(filepath.Join(dir, "key"), []byte("KEY2"), 0o600))
	valid.Store("KEY2")
	_, err = io.WriteString(f, text[len(text)/2:])
	p.ok(err)
	p.ok(f.Close())
	m.stored("f", text)
	if refused.Load() == 0 {
		t.Error("nothing was refused: the test did not test")
	}
	m.unmount()
	for _, secret := range []string{"hush-hush", "token-of-KEY"} {
		if strings.Contains(m.said.String(), secret) {
			t.Errorf("the log tells %s", secret)
		}
	}
}

// caFile stores the certificate of a server.
func caFile(t *testing.T, srv *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMountOverTLS(t *testing.T) {
	t.Parallel()
	p, srv := awsPlace(t, nil)
	srv.StartTLS()
	p.server.Endpoint = srv.URL
	status, said := p.refuses()
	if status != 1 || !strings.Contains(said, "unknown authority: give its certificate with --ca-file") {
		t.Errorf("an unknown authority: status %d, %q", status, said)
	}
	p.begin("--ca-file", caFile(t, srv)).goesRoundTrip()
	p.begin("--no-verify-ssl").goesRoundTrip()
}

// refuses mounts what cannot be mounted, and returns what is said of it.
func (p *place) refuses(flags ...string) (status int, said string) {
	p.Helper()
	return p.refusesIn(nil, flags...)
}

// refusesIn is refuses with more variables in the environment.
func (p *place) refusesIn(env []string, flags ...string) (status int, said string) {
	p.Helper()
	path, err := program()
	p.ok(err)
	c := &cli{t: p.T, path: path, server: p.server, state: p.TempDir(), mnt: p.TempDir()}
	c.env = append(p.server.Env(), "SLUICEFS_STATE_DIR="+c.state, "PATH="+os.Getenv("PATH"), "HOME="+p.TempDir())
	c.env = append(c.env, env...)
	status, _, said = c.run(append(append([]string{"mount"}, p.flags...), append(flags, p.bucket, c.mnt)...)...)
	if isMounted(p.T, c.mnt) {
		p.Errorf("it is mounted, although it said %q", said)
	}
	return status, said
}

// proxy is an HTTP proxy on this machine that knows one server, by any name.
type proxy struct {
	to       string
	connects atomic.Int64 // tunnels
	plain    atomic.Int64 // requests in the clear
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.plain.Add(1)
		r.URL.Host, r.URL.Scheme, r.RequestURI = p.to, "http", ""
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		return
	}
	p.connects.Add(1)
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, early, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(server, early) // the client may have spoken before it was handed over
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
	<-done
}

func startProxy(t *testing.T, to string) (*proxy, string) {
	t.Helper()
	p := &proxy{to: to}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return p, srv.URL
}

// TestMountThroughAProxy reaches a server under a name that only the proxy knows:
// nothing can get there by another way.
func TestMountThroughAProxy(t *testing.T) {
	t.Parallel()
	t.Run("https", func(t *testing.T) {
		p, srv := awsPlace(t, nil)
		srv.StartTLS()
		proxy, url := startProxy(t, srv.Listener.Addr().String())
		p.server.Endpoint = "https://example.com" // as its certificate says
		p.beginIn([]string{"HTTPS_PROXY=" + url}, "--ca-file", caFile(t, srv)).goesRoundTrip()
		if proxy.connects.Load() == 0 || proxy.plain.Load() != 0 {
			t.Errorf("%d tunnels, %d requests in the clear", proxy.connects.Load(), proxy.plain.Load())
		}
	})
	t.Run("http", func(t *testing.T) {
		p, srv := awsPlace(t, nil)
		srv.Start()
		proxy, url := startProxy(t, srv.Listener.Addr().String())
		p.server.Endpoint = "http://store.example"
		p.beginIn([]string{"HTTP_PROXY=" + url}).goesRoundTrip()
		if proxy.plain.Load() == 0 {
			t.Error("nothing went through the proxy")
		}
	})
	t.Run("NO_PROXY", func(t *testing.T) {
		p, srv := awsPlace(t, nil)
		srv.Start()
		p.server.Endpoint = "http://store.invalid" // no name server may know it
		proxy, url := startProxy(t, srv.Listener.Addr().String())
		status, said := p.refusesIn([]string{"HTTP_PROXY=" + url, "NO_PROXY=store.invalid"})
		if status != 1 || !strings.Contains(said, "cannot") || strings.Count(said, "\n") != 1 {
			t.Errorf("status %d, %q", status, said)
		}
		if n := proxy.plain.Load(); n != 0 {
			t.Errorf("%d requests to a store of NO_PROXY went through the proxy", n)
		}
	})
}

// TestMountWithoutCredentials reads a public bucket, whose server takes no signature.
func TestMountWithoutCredentials(t *testing.T) {
	p, srv := awsPlace(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	srv.Start()
	p.server.Endpoint = srv.URL
	p.put("f", "public", nil)
	if status, said := p.refuses(); status != 1 {
		t.Errorf("with a signature: status %d, %q", status, said)
	}
	m := p.begin("--anonymous", "--read-only")
	m.shows("f", "public")
	m.unmount()
}

func TestMountOverIPv6(t *testing.T) {
	t.Parallel()
	p, srv := awsPlace(t, nil)
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatalf("this machine has no IPv6, not even for itself: %v", err)
	}
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	p.server.Endpoint = fmt.Sprintf("http://[::1]:%d", l.Addr().(*net.TCPAddr).Port)
	p.begin().goesRoundTrip()
}

// TestBandwidthOfAMount bounds the time from below: what is slow may be the machine.
func TestBandwidthOfAMount(t *testing.T) {
	p, srv := awsPlace(t, nil)
	srv.Start()
	p.server.Endpoint = srv.URL
	m := p.begin("--bwlimit", "8MiB:4MiB")
	text := noise(4 << 20)
	began := time.Now()
	m.write("f", text)
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("4 MiB at 8 MiB a second took %s", took)
	}
	m.put("g", text, nil)
	began = time.Now()
	m.shows("g", text)
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("4 MiB at 4 MiB a second took %s", took)
	}
	m.unmount()
}

// TestThresholdOfAMount counts the requests on either side of it.
func TestThresholdOfAMount(t *testing.T) {
	t.Parallel()
	p, srv := awsPlace(t, nil)
	srv.Start()
	p.server.Endpoint = srv.URL
	m := p.begin("--put-threshold", "9MiB")
	parts := p.requests(func() { m.write("small", noise(9<<20)) }, objstore.OpCreateMultipart)
	if parts != 0 {
		t.Error("a file at the threshold was sent in parts")
	}
	parts = p.requests(func() { m.write("large", noise(9<<20+1)) }, objstore.OpCreateMultipart)
	if parts != 1 {
		t.Errorf("a file above the threshold began %d uploads", parts)
	}
	m.unmount()
}
