package uploader_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// sink is a store that reads what it is sent and keeps nothing.
type sink struct {
	uploader.Store // nil: what is not below is not called
	profile        objstore.Profile
}

func newSink() *sink {
	p, _ := objstore.ProfileByName("aws")
	p.PartETag, p.FinalETag = objstore.ETagOpaque, objstore.ETagOpaque // whose MD5 nobody takes
	return &sink{profile: p}
}

func (s *sink) Profile() *objstore.Profile { return &s.profile }

func (s *sink) read(b objstore.Body) error {
	if _, err := b.Reader.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, b.Reader)
	return err
}

func (s *sink) Put(_ context.Context, key string, b objstore.Body, _ objstore.PutOptions) (objstore.Info, error) {
	return objstore.Info{Key: key, Size: b.Size, ETag: "e", Checksum: b.Digest}, s.read(b)
}

func (s *sink) CreateMultipart(context.Context, string, objstore.ObjectOptions) (string, error) {
	return "id", nil
}

func (s *sink) UploadPart(_ context.Context, _ objstore.UploadRef, n int32, b objstore.Body) (objstore.Part, error) {
	return objstore.Part{Number: n, Size: b.Size, ETag: "e", Digest: b.Digest}, s.read(b)
}

func (s *sink) Complete(_ context.Context, up objstore.UploadRef, _ []objstore.Part, o objstore.CompleteOptions) (objstore.Info, error) {
	return objstore.Info{Key: up.Key, Size: o.Size, ETag: "e", Checksum: o.Digest}, nil
}

func (s *sink) Abort(context.Context, objstore.UploadRef) error { return nil }

// BenchmarkWrite streams files of 256 MiB to a store that takes them at once.
func BenchmarkWrite(b *testing.B) {
	const size = 256 << 20
	for _, n := range []int64{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(n>>10, "KiB"), func(b *testing.B) {
			u := newUploader(b, newSink(), uploader.Config{SpillDir: b.TempDir()})
			p := noise(1, int(n))
			b.SetBytes(n)
			b.ReportAllocs()
			f := u.Open("f", uploader.OpenOptions{})
			off := int64(0)
			for b.Loop() {
				if off == size {
					finish(b, f)
					f, off = u.Open("f", uploader.OpenOptions{}), 0
				}
				mustWrite(b, f, p, off)
				off += n
			}
			finish(b, f)
		})
	}
}

func finish(b *testing.B, f *uploader.File) {
	mustCommit(b, f)
	mustClose(b, f)
}

// cpuTime is what this process has used of the processors so far.
func cpuTime(b *testing.B) time.Duration {
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// BenchmarkPart tells what a part of 8 MiB costs, all in all: time, processor and
// allocations.
func BenchmarkPart(b *testing.B) {
	const part = 8 << 20
	u := newUploader(b, newSink(), uploader.Config{SpillDir: b.TempDir(), PartSize: part})
	p := noise(1, 1<<20)
	b.SetBytes(part)
	b.ReportAllocs()
	f := u.Open("f", uploader.OpenOptions{})
	off := int64(0)
	began := cpuTime(b)
	for b.Loop() {
		if off == 64*part {
			finish(b, f)
			f, off = u.Open("f", uploader.OpenOptions{}), 0
		}
		for range part / len(p) {
			mustWrite(b, f, p, off)
			off += int64(len(p))
		}
	}
	finish(b, f)
	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/op")
}

// BenchmarkSmallFile tells what a file of 4 KiB costs from open to close.
func BenchmarkSmallFile(b *testing.B) {
	u := newUploader(b, newSink(), uploader.Config{SpillDir: b.TempDir()})
	p := noise(1, 4096)
	b.ReportAllocs()
	for b.Loop() {
		f := u.Open("f", uploader.OpenOptions{})
		mustWrite(b, f, p, 0)
		finish(b, f)
	}
}

// BenchmarkManySmallFiles does the same beside many files that stay open.
func BenchmarkManySmallFiles(b *testing.B) {
	u := newUploader(b, newSink(), uploader.Config{SpillDir: b.TempDir()})
	p := noise(1, 4096)
	for i := range 2000 {
		mustWrite(b, u.Open(fmt.Sprint(i), uploader.OpenOptions{}), p, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		f := u.Open("f", uploader.OpenOptions{})
		mustWrite(b, f, p, 0)
		finish(b, f)
	}
}
