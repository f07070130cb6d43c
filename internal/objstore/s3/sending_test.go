package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// guardedReader is a body that nobody may read once a call has returned.
type guardedReader struct {
	*bytes.Reader
	scattered bool // written as from many places in memory
	over      atomic.Bool
	late      atomic.Int64
}

func (g *guardedReader) WriteTo(w io.Writer) (int64, error) {
	write := g.Reader.WriteTo
	if g.scattered {
		write = g.scatter
	}
	n, err := write(w)
	if g.over.Load() {
		g.late.Add(1)
	}
	return n, err
}

// scatter writes what is left in vectors of pieces that get larger.
func (g *guardedReader) scatter(w io.Writer) (int64, error) {
	rest := make([]byte, g.Len())
	if _, err := io.ReadFull(g.Reader, rest); err != nil {
		return 0, err
	}
	var written int64
	var vector [][]byte
	for size := 1; len(rest) > 0; size += 97 {
		n := min(size, len(rest))
		vector, rest = append(vector, rest[:n]), rest[n:]
		if len(vector) < 20 && len(rest) > 0 {
			continue
		}
		n64, err := objstore.WriteVector(w, vector)
		written += n64
		if err != nil {
			return written, err
		}
		vector = nil
	}
	return written, nil
}

func (g *guardedReader) Read(p []byte) (int, error) {
	if g.over.Load() {
		g.late.Add(1)
	}
	return g.Reader.Read(p)
}

// TestRefusedEarly has a server refuse a large part without reading it: the
// client must neither hang nor lose the reason.
func TestRefusedEarly(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		const answer = `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`
		fmt.Fprintf(buf, "HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		buf.Flush()
		<-release // and reads nothing more
	}))
	defer srv.Close()
	defer close(release)
	c := dial(t, srv, profile(t, "aws"), nil)
	data := make([]byte, 64<<20)
	for i := range 4 {
		g := &guardedReader{Reader: bytes.NewReader(data), scattered: i%2 == 1}
		_, err := c.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, objstore.Body{Reader: g, Size: int64(len(data))})
		g.over.Store(true)
		if !errors.Is(err, objstore.ErrAccessDenied) {
			t.Errorf("got %v", err)
		}
		if g.late.Load() != 0 {
			t.Error("the body was read after the call had returned")
		}
	}
}

// TestScattered sends bodies that lie in many places, in the clear and over TLS, and
// one that gives more than was announced.
func TestScattered(t *testing.T) {
	for name, serve := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			got := make(chan [sha256.Size]byte, 1)
			srv := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				all, err := io.ReadAll(r.Body)
				if err != nil {
					return // the one that is broken off
				}
				got <- sha256.Sum256(all)
				w.Header().Set("ETag", `"e"`)
			}))
			defer srv.Close()
			c := dial(t, srv, profile(t, "aws"), func(c *s3.Config) { c.NoVerifyTLS = true })
			send := func(data []byte, size int) error {
				g := &guardedReader{Reader: bytes.NewReader(data), scattered: true}
				_, err := c.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, objstore.Body{Reader: g, Size: int64(size)})
				return err
			}
			for _, size := range []int{1, 5000, 3 << 20, 9<<20 + 1} {
				data := noise(size)
				if err := send(data, size); err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if sum := <-got; sum != sha256.Sum256(data) {
					t.Errorf("%d bytes: others arrived", size)
				}
			}
			if err := send(noise(2<<20), 1<<20); err == nil {
				t.Error("a body larger than announced was sent")
			}
		})
	}
}

// noise returns bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // cannot fail
	return p
}

// TestContextEndsWhileSending has a server that takes nothing.
func TestContextEndsWhileSending(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
	}))
	defer srv.Close()
	defer close(release)
	c := dial(t, srv, profile(t, "aws"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	data := make([]byte, 64<<20)
	g := &guardedReader{Reader: bytes.NewReader(data)}
	_, err := c.UploadPart(ctx, objstore.UploadRef{Key: "k", ID: "u"}, 1, objstore.Body{Reader: g, Size: int64(len(data))})
	g.over.Store(true)
	if !errors.Is(err, context.Canceled) || !errorOf(t, err).Sent || objstore.Retryable(err) {
		t.Errorf("got %v", err)
	}
	if g.late.Load() != 0 {
		t.Error("the body was read after the call had returned")
	}
}

// failingReader is a body that cannot be read to its end.
type failingReader struct {
	*bytes.Reader
	err error
}

func (f *failingReader) WriteTo(w io.Writer) (int64, error) {
	n, err := io.CopyN(w, f.Reader, 100_000)
	if err == nil {
		err = f.err
	}
	return n, err
}

func TestReaderThatFails(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, nil)
	broken := errors.New("spill file is gone")
	r := &failingReader{bytes.NewReader(make([]byte, 1<<20)), broken}
	_, err := c.Put(t.Context(), "k", objstore.Body{Reader: r, Size: 1 << 20}, objstore.PutOptions{})
	if !errors.Is(err, broken) || !errors.Is(err, objstore.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if len(m.Keys()) != 0 {
		t.Error("a part of the body was stored")
	}
}

// TestConnectionsAreKept sends many bodies and counts the connections.
func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int64
	p := profile(t, "aws")
	sums := make(chan [sha256.Size]byte, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		io.Copy(h, r.Body)
		w.Header().Set("ETag", `"e"`)
		sums <- [sha256.Size]byte(h.Sum(nil))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := dial(t, srv, p, nil)
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for i := range 100 {
		part := data[:len(data)-i*1000]
		var r io.ReadSeeker = bytes.NewReader(part)
		if i%2 == 1 {
			r = struct{ io.ReadSeeker }{r} // one that cannot write itself
		}
		if _, err := c.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, objstore.Body{Reader: r, Size: int64(len(part))}); err != nil {
			t.Fatal(err)
		}
		if got := <-sums; got != sha256.Sum256(part) {
			t.Fatalf("part %d arrived changed", i)
		}
	}
	if n := opened.Load(); n > 2 {
		t.Errorf("%d connections for 100 parts, one after another", n)
	}
}
