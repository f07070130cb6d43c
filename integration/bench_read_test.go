//go:build integration

package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// The benchmarks read through a real mount, and beside it the same bytes from what
// sets the limit: bare GETs, or the local disk. Compare the two of one run.

// benchStore is a store that serves over loopback, and a client of it.
func benchStore(b *testing.B, size int) objstore.Store {
	profile, ok := objstore.ProfileByName("minio")
	if !ok {
		b.Fatal("there is no profile of MinIO")
	}
	under := mem.New(profile)
	content := []byte(noise(size))
	_, err := under.Put(b.Context(), "f", objstore.Body{Reader: bytes.NewReader(content), Size: int64(size)}, objstore.PutOptions{})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(memhttp.New(under, "bench", memhttp.PersonalityOf(&profile)))
	b.Cleanup(server.Close)
	client, err := s3.New(b.Context(), s3.Config{
		Endpoint: server.URL, Region: "us-east-1", Bucket: "bench", Profile: profile, Style: objstore.PathStyle,
		Credentials: s3.Credentials{AccessKey: "key", SecretKey: "secret"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// readThrough reads a file from front to back.
func readThrough(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil {
		b.Fatal(err)
	}
}

// forgetPages drops what the kernel has of a file; of a local one it stays on the disk.
func forgetPages(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil { // what was not written yet would stay
		b.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSequentialRead is one file that nobody has read before.
func BenchmarkSequentialRead(b *testing.B) {
	store := benchStore(b, benchFile)
	b.Run("bare", func(b *testing.B) {
		b.SetBytes(benchFile)
		for range b.N {
			var readers sync.WaitGroup
			const parallel = 4
			for i := range int64(parallel) {
				readers.Go(func() {
					body, _, err := store.Get(context.Background(), "f", objstore.GetOptions{Offset: i * benchFile / parallel, Length: benchFile / parallel})
					if err != nil {
						b.Error(err)
						return
					}
					defer body.Close()
					if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, make([]byte, 256<<10)); err != nil {
						b.Error(err)
					}
				})
			}
			readers.Wait()
		}
	})
	b.Run("sluicefs", func(b *testing.B) {
		b.SetBytes(benchFile)
		for range b.N {
			b.StopTimer()
			m := mounttest.New(b, store, mounttest.Options{})
			b.StartTimer()
			readThrough(b, filepath.Join(m.Dir, "f"))
			b.StopTimer()
			m.Unmount()
		}
	})
}

// BenchmarkRandomReadMounted is 64 KiB here and there.
func BenchmarkRandomReadMounted(b *testing.B) {
	const piece = 64 << 10
	store := benchStore(b, benchFile)
	p := make([]byte, piece)
	b.Run("bare", func(b *testing.B) {
		for range b.N {
			body, _, err := store.Get(context.Background(), "f", objstore.GetOptions{Offset: rand.Int64N(benchFile - piece), Length: piece})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(body, p); err != nil {
				b.Fatal(err)
			}
			body.Close()
		}
	})
	b.Run("sluicefs", func(b *testing.B) {
		m := mounttest.New(b, store, mounttest.Options{})
		f, err := os.Open(filepath.Join(m.Dir, "f"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		b.ResetTimer()
		for range b.N {
			if _, err := f.ReadAt(p, rand.Int64N(benchFile-piece)); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		s := m.Cache.Stats()
		b.ReportMetric(float64(s.Gets)/float64(b.N), "gets/op")
		b.ReportMetric(float64(s.Fetched)/float64(b.N)/piece, "fetched/asked")
	})
}

// BenchmarkDiskCache is a file that is on the disk, with and without its pages in
// the memory of the kernel, and the same for the local file that it is kept in.
func BenchmarkDiskCache(b *testing.B) {
	store := benchStore(b, benchFile)
	dir := b.TempDir()
	begin := func(b *testing.B, readOnly bool) *mounttest.Mount {
		return mounttest.New(b, store, mounttest.Options{
			FS: func(c *fs.Config) { c.ReadOnly = readOnly },
			Cache: func(c *cache.Config) {
				c.DiskDir, c.DiskSize, c.DiskName = dir, 4<<30, "bench"
				c.AttrTTL, c.DirTTL = time.Hour, time.Hour // the store takes long to answer a HEAD of such an object
			},
		})
	}
	for range 4 { // what found no place in the queue is kept by the next reader
		m := begin(b, false)
		readThrough(b, filepath.Join(m.Dir, "f"))
		m.Unmount()
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*", "data"))
	if err != nil || len(found) != 1 {
		b.Fatalf("%d files, %v", len(found), err)
	}
	for _, cold := range []bool{false, true} {
		read := func(b *testing.B, path string) {
			b.SetBytes(benchFile)
			b.ResetTimer() // the mount was made before
			for range b.N {
				b.StopTimer()
				forgetPages(b, path)
				if cold || path == found[0] {
					if cold {
						forgetPages(b, found[0])
					} else {
						readThrough(b, found[0])
					}
				}
				b.StartTimer()
				readThrough(b, path)
			}
		}
		name := fmt.Sprintf("cold=%v", cold)
		b.Run(name+"/local", func(b *testing.B) { read(b, found[0]) })
		b.Run(name+"/sluicefs", func(b *testing.B) { read(b, filepath.Join(begin(b, false).Dir, "f")) })
		b.Run(name+"/sluicefs-read-only", func(b *testing.B) {
			m := begin(b, true)
			path := filepath.Join(m.Dir, "f")
			for served := int64(-1); served != m.Cache.Stats().Served; { // until the kernel reads by itself
				served = m.Cache.Stats().Served
				forgetPages(b, path)
				readThrough(b, path)
				time.Sleep(time.Millisecond) // the handle is released after close
			}
			read(b, path)
		})
	}
}
