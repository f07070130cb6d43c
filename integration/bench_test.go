//go:build integration

package integration

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// The benchmarks write through a real mount into a store that forgets, without a
// network between them, and tell what a part costs. What a mount takes as users have
// it, against its ceiling and others, is what integration/bench measures.

const benchFile = 256 << 20 // bytes

// BenchmarkSequentialWrite is one file from front to back, to the end of close.
func BenchmarkSequentialWrite(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			onMount(b, func(b *testing.B, dir string) {
				b.SetBytes(benchFile)
				for i := range b.N {
					writeFile(b, filepath.Join(dir, fmt.Sprint("f", i)), benchFile, size)
				}
			})
		})
	}
}

// BenchmarkParallelWrite is eight files at once.
func BenchmarkParallelWrite(b *testing.B) {
	onMount(b, func(b *testing.B, dir string) {
		b.SetBytes(benchFile)
		for i := range b.N {
			var wg sync.WaitGroup
			for k := range 8 {
				wg.Go(func() { writeFile(b, filepath.Join(dir, fmt.Sprintf("f%d-%d", i, k)), benchFile/8, 1<<20) })
			}
			wg.Wait()
		}
	})
}

// BenchmarkSmallFiles is files of 4 KiB, one after the other.
func BenchmarkSmallFiles(b *testing.B) {
	store := newDiscard()
	dir := mounttest.New(b, store, mounttest.Options{}).Dir
	b.ResetTimer()
	for i := range b.N {
		writeFile(b, filepath.Join(dir, fmt.Sprint("f", i)), 4<<10, 4<<10)
	}
	b.StopTimer()
	b.ReportMetric(float64(store.puts.Load())/float64(b.N), "puts/file")
}

// onMount runs a benchmark on a mount, and reports what a part costs beside time.
func onMount(b *testing.B, run func(b *testing.B, dir string)) {
	store := newDiscard()
	dir := mounttest.New(b, store, mounttest.Options{}).Dir
	var before, after runtime.MemStats
	var cpu [2]syscall.Rusage
	runtime.ReadMemStats(&before)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &cpu[0])
	b.ResetTimer()
	run(b, dir)
	b.StopTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &cpu[1])
	runtime.ReadMemStats(&after)
	if n := float64(store.parts.Load()); n > 0 {
		used := time.Duration(cpu[1].Utime.Nano() + cpu[1].Stime.Nano() - cpu[0].Utime.Nano() - cpu[0].Stime.Nano())
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/part")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "allocB/part")
		b.ReportMetric(float64(used.Microseconds())/n, "cpu-µs/part") // writer and kernel included
	}
}

// writeFile writes a file of n bytes in pieces.
func writeFile(b *testing.B, path string, n, piece int) {
	f, err := os.Create(path)
	if err != nil {
		b.Error(err)
		return
	}
	p := make([]byte, piece)
	for ; n > 0; n -= piece {
		if _, err := f.Write(p); err != nil {
			b.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Error(err)
	}
}

// discard is a store that takes everything and keeps nothing of it.
type discard struct {
	*mem.Store
	parts, puts, names atomic.Int64
}

func newDiscard() *discard {
	p, _ := objstore.ProfileByName("aws")
	p.FinalETag = objstore.ETagOpaque // there is nothing to take one of
	return &discard{Store: mem.New(p)}
}

func (d *discard) etag() string { return fmt.Sprintf("%032x", d.names.Add(1)) }

func (d *discard) Put(_ context.Context, key string, body objstore.Body, _ objstore.PutOptions) (objstore.Info, error) {
	d.puts.Add(1)
	_, err := io.Copy(io.Discard, body.Reader)
	return objstore.Info{Key: key, Size: body.Size, ETag: d.etag(), ModTime: time.Now()}, err
}

func (d *discard) UploadPart(_ context.Context, _ objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	d.parts.Add(1)
	_, err := io.Copy(io.Discard, body.Reader)
	return objstore.Part{Number: number, Size: body.Size, ETag: d.etag(), Digest: body.Digest}, err
}

func (d *discard) Complete(ctx context.Context, up objstore.UploadRef, _ []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	if err := d.Store.Abort(ctx, up); err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: up.Key, Size: opts.Size, ETag: d.etag(), Checksum: opts.Digest, ModTime: time.Now()}, nil
}
