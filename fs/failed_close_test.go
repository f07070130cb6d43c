package fs

import (
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestByNameAfterAFailedClose changes a file, whose close failed, before its RELEASE arrives: that
// is not told the failure, nor is it lost with what was written.
func TestByNameAfterAFailedClose(t *testing.T) {
	for name, in := range map[string]fuse.SetAttrInCommon{
		"truncate": {Valid: fuse.FATTR_SIZE, Size: 100},
		"chmod":    {Valid: fuse.FATTR_MODE, Mode: 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			store, text := largeFile(t)
			f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
			raw := asked(f)
			file := mustLookup(t, raw, "f")
			handle := mustOpen(t, raw, file, syscall.O_WRONLY)
			mustWrite(t, raw, file, handle, text[1:4097])
			store.Add(fault.Rule{Op: objstore.OpCreateMultipart, Mode: fault.Fail, Kind: objstore.ErrNoSpace, Times: 1})
			if status := raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}); status.Ok() {
				t.Fatal("it is stored")
			}
			waitsForRelease(t, raw, file, handle, func() fuse.Status {
				in.InHeader = file
				return raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: in}, &fuse.AttrOut{})
			})
		})
	}
}

// waitsForRelease does something with a file of which nobody can know whether it is still open: it
// waits for the RELEASE, and then the kernel has to look again.
func waitsForRelease(t *testing.T, raw fuse.RawFileSystem, file fuse.InHeader, handle uint64, do func() fuse.Status) {
	t.Helper()
	told := make(chan fuse.Status)
	go func() { told <- do() }()
	select {
	case status := <-told:
		t.Fatalf("told %v before the RELEASE", status)
	case <-time.After(20 * time.Millisecond):
	}
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	if status := <-told; status != fuse.Status(syscall.ESTALE) {
		t.Error(status)
	}
}

// TestFailureIsLoggedOnce goes on with a file that failed.
func TestFailureIsLoggedOnce(t *testing.T) {
	store, text := largeFile(t)
	log, lines := logtest.NewNullLogger()
	config := Config{Uploader: newUploader(t, store, littleMemory()), Log: logrus.NewEntry(log)}
	raw := asked(newServed(t, store, cache.Config{}, config))
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_RDWR)
	store.Add(fault.Rule{Op: objstore.OpCreateMultipart, Mode: fault.Fail, Kind: objstore.ErrNoSpace, Times: 1})
	for status := fuse.OK; status.Ok(); {
		_, status = raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: handle}, text)
	}
	for range 3 {
		raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: handle}, text)
		raw.Fsync(nil, &fuse.FsyncIn{InHeader: file, Fh: handle})
		raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle})
	}
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	if n := len(lines.AllEntries()); n != 1 {
		t.Errorf("%d lines: %v", n, lines.AllEntries())
	}
}
