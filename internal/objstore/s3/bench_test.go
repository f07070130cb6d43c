package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// discarder takes everything and gives zeros, over http or https.
func discarder(b *testing.B, tls bool) *s3.Client {
	b.Helper()
	zeros := make([]byte, 8<<20)
	buffers := sync.Pool{New: func() any { return new([256 << 10]byte) }}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := buffers.Get().(*[256 << 10]byte)
		defer buffers.Put(buf)
		for {
			if _, err := r.Body.Read(buf[:]); err != nil {
				break
			}
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Range", "bytes 0-8388607/8388608")
			w.Header().Set("Content-Length", strconv.Itoa(len(zeros)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(zeros)
		}
	})
	srv := httptest.NewUnstartedServer(handler)
	if tls {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	b.Cleanup(srv.Close)
	p, _ := objstore.ProfileByName("aws")
	c, err := s3.New(b.Context(), s3.Config{
		Endpoint: srv.URL, Bucket: bucket, Profile: p, Style: objstore.PathStyle, NoVerifyTLS: true,
		Credentials: s3.Credentials{AccessKey: "test-key", SecretKey: "test-secret"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

// BenchmarkUploadPart sends 8 MiB parts from memory: by readers that write
// themselves, as the uploader's do, and by others.
func BenchmarkUploadPart(b *testing.B) {
	data := make([]byte, 8<<20)
	digest := objstore.SumOf(objstore.CRC64NVME, data)
	for _, c := range []struct {
		name string
		tls  bool
		wrap func(io.ReadSeeker) io.ReadSeeker
	}{
		{"http", false, func(r io.ReadSeeker) io.ReadSeeker { return r }},
		{"http-copied", false, func(r io.ReadSeeker) io.ReadSeeker { return struct{ io.ReadSeeker }{r} }},
		{"https", true, func(r io.ReadSeeker) io.ReadSeeker { return r }},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := discarder(b, c.tls)
			b.SetBytes(int64(len(data)))
			b.SetParallelism(4)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					body := objstore.Body{Reader: c.wrap(bytes.NewReader(data)), Size: int64(len(data)), Digest: digest}
					if _, err := client.UploadPart(b.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, body); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkGet reads 8 MiB ranges.
func BenchmarkGet(b *testing.B) {
	for name, tls := range map[string]bool{"http": false, "https": true} {
		b.Run(name, func(b *testing.B) {
			client := discarder(b, tls)
			b.SetBytes(8 << 20)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				buf := make([]byte, 1<<20)
				for pb.Next() {
					r, _, err := client.Get(b.Context(), "k", objstore.GetOptions{Length: 8 << 20})
					if err != nil {
						b.Error(err)
						return
					}
					for err == nil {
						_, err = r.Read(buf)
					}
					r.Close()
				}
			})
		})
	}
}

// BenchmarkSmall makes the requests of which a small file needs one.
func BenchmarkSmall(b *testing.B) {
	data := make([]byte, 4<<10)
	digest := objstore.SumOf(objstore.CRC64NVME, data)
	client := discarder(b, false)
	b.Run("Put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: digest}
			if _, err := client.Put(b.Context(), "k", body, objstore.PutOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Head", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Head(b.Context(), "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHead asks for one object after the other, as a walk does that needs
// metadata, eight at a time.
func BenchmarkHead(b *testing.B) {
	c := discarder(b, false)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Head(b.Context(), "dir/file"); err != nil {
				b.Error(err)
			}
		}
	})
}
