//go:build integration

package integration

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
	"github.com/sluicefs/sluicefs/uploader"
)

// counted counts what is written to a connection.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// onWire is what a server was asked, and how many bytes that took.
type onWire struct {
	bytes atomic.Int64

	mu       sync.Mutex
	requests map[string]int
}

// note counts a request by what it is for.
func (w *onWire) note(r *http.Request, bucketPath bool) {
	q := r.URL.Query()
	what := r.Method
	switch {
	case bucketPath:
		what += " bucket"
	case q.Has("uploads"):
		what = "Create"
	case q.Has("partNumber"):
		what = "Part"
	case q.Has("uploadId"):
		what = map[string]string{"POST": "Complete", "DELETE": "Abort", "GET": "ListParts"}[r.Method]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests[what]++
}

// TestBytesAndRequests sends a large file to each kind of store, and counts bytes and requests:
// none is sent that the profile makes pointless.
func TestBytesAndRequests(t *testing.T) {
	// After Complete the object is looked at only where nothing proves it: neither its
	// ETag, nor a checksum. Where the store cannot keep a new name free, there is a
	// look before.
	heads := map[string]int{
		"aws": 0, "minio": 0, "versitygw": 1, "seaweedfs": 0, "oss": 0, "cos": 1, "ceph": 2,
		"bos": 2, "r2": 2, "b2": 2, "gcs": 2, "wasabi": 2, "garage": 2, "generic": 2,
	}
	const size = 32 << 20
	for _, p := range objstore.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			w := &onWire{requests: map[string]int{}}
			store := mem.New(p)
			client := w.client(t, store, p)
			u, err := uploader.New(t.Context(), client, uploader.Config{SpillDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			f := u.Open("large", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}, Exclusive: true})
			chunk := make([]byte, 1<<20)
			r := rand.NewChaCha8([32]byte{9})
			for off := int64(0); off < size; off += int64(len(chunk)) {
				r.Read(chunk)
				if _, err := f.WriteAt(t.Context(), chunk, off); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := f.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := u.Close(); err != nil {
				t.Fatal(err)
			}
			if n := w.bytes.Load(); n < size || n > size*101/100 {
				t.Errorf("%d bytes on the wire for %d: %.4f of them", n, size, float64(n)/size)
			}
			if data, _, ok := store.Object("large"); !ok || len(data) != size {
				t.Errorf("%d bytes are stored, %v", len(data), ok)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			want := map[string]int{"Create": 1, "Part": 4, "Complete": 1}
			if n := heads[p.Name]; n > 0 {
				want["HEAD"] = n
			}
			if fmt.Sprint(w.requests) != fmt.Sprint(want) {
				t.Errorf("requests %v, want %v", w.requests, want)
			}
		})
	}
}

// client serves a store with its personality, and returns a client whose bytes and
// requests are counted.
func (w *onWire) client(t *testing.T, store *mem.Store, p objstore.Profile) *s3.Client {
	t.Helper()
	personality := memhttp.PersonalityOf(&p)
	inner := memhttp.New(store, shopBucket, personality)
	site, err := memhttp.Open(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		w.note(r, path == "/" && r.Host != "" && personality.VirtualHost != "" || path == "/"+shopBucket || path == "/"+shopBucket+"/")
		inner.ServeHTTP(rw, r)
	}), cmp.Or(personality.Host, p.Name+".test"), personality.Host != "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { site.Close() })
	cfg := s3.Config{
		Endpoint: site.Endpoint, Bucket: shopBucket, Profile: p,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := site.Dial(ctx, network, addr)
			return counted{c, &w.bytes}, err
		},
		Credentials: s3.Credentials{AccessKey: "k", SecretKey: "s"},
	}
	if site.Authority != nil {
		cfg.CAFile = filepath.Join(t.TempDir(), "authority.pem")
		if err := os.WriteFile(cfg.CAFile, site.Authority, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s3.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
