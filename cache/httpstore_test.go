package cache_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// loopback is a store of one object of equal bytes, over HTTP on the loopback
// interface: what reading costs when the store costs next to nothing.
type loopback struct {
	cache.Store
	client *http.Client
	url    string
	size   int64
	gets   atomic.Int64
	bytes  atomic.Int64
}

// newLoopback serves size bytes. latency is added to every request and rate is
// the most of a connection, in bytes a second; 0 is no limit.
func newLoopback(t testing.TB, size int64, latency time.Duration, rate float64) *loopback {
	t.Helper()
	piece := make([]byte, 1<<20)
	for i := range piece {
		piece[i] = byte(i * 7)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var from, to int64
		if _, err := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		time.Sleep(latency)
		w.Header().Set("Content-Length", strconv.FormatInt(to+1-from, 10))
		w.WriteHeader(http.StatusPartialContent)
		began := time.Now()
		for sent := int64(0); from <= to; {
			at := from % int64(len(piece))
			n := min(int64(len(piece))-at, to+1-from)
			if rate > 0 {
				n = min(n, 64<<10)
			}
			if _, err := w.Write(piece[at : at+n]); err != nil {
				return
			}
			from += n
			if sent += n; rate > 0 {
				time.Sleep(time.Duration(float64(sent)/rate*float64(time.Second)) - time.Since(began))
			}
		}
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &loopback{client: &http.Client{Transport: tr}, url: "http://" + l.Addr().String() + "/", size: size}
}

func (s *loopback) info() objstore.Info { return objstore.Info{Key: "big", Size: s.size, ETag: "e"} }

func (s *loopback) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", opts.Offset, opts.Offset+opts.Length-1))
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	if resp.StatusCode != http.StatusPartialContent {
		resp.Body.Close()
		return nil, objstore.Info{}, fmt.Errorf("%s for %s", resp.Status, strings.TrimSpace(req.Header.Get("Range")))
	}
	s.gets.Add(1)
	s.bytes.Add(opts.Length)
	return resp.Body, objstore.Info{Key: key, ETag: "e", Size: s.size}, nil
}
