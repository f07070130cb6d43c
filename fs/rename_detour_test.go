package fs

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestRenameDuringADetour renames a file while its name shows what was sent of its next
// content, to be copied aside. The object comes back with the ETag that it had: nobody else
// was there, and the file gets its new name, without the second attempt that a kernel makes
// after ESTALE. So it is where the new name gives other properties, and those of the object
// have to be asked for.
func TestRenameDuringADetour(t *testing.T) {
	t.Run("same properties", func(t *testing.T) { renameDuringADetour(t, Config{}, objstore.OpCopy) })
	t.Run("other properties", func(t *testing.T) {
		renameDuringADetour(t, Config{Metadata: MetadataNone, Options: byName}, objstore.OpHead)
	})
}

// byName gives each name properties of its own.
func byName(key string) objstore.ObjectOptions {
	return objstore.ObjectOptions{CacheControl: "max-age=" + key}
}

// watched tells when somebody has looked at what a name shows, or tried to copy it.
type watched struct {
	objstore.Store
	looked chan struct{}
	watch  atomic.Bool
}

func (s *watched) Copy(ctx context.Context, dst string, src objstore.CopySource, o objstore.CopyOptions) (objstore.Info, error) {
	defer s.tell(src.Key)
	return s.Store.Copy(ctx, dst, src, o)
}

func (s *watched) Head(ctx context.Context, key string) (objstore.Info, error) {
	defer s.tell(key)
	return s.Store.Head(ctx, key)
}

func (s *watched) tell(key string) {
	if key == "f" && s.watch.CompareAndSwap(true, false) {
		close(s.looked)
	}
}

// renameDuringADetour has the detour begin when the rename is about to make its first request.
func renameDuringADetour(t *testing.T, config Config, first string) {
	store, text := largeFile(t)
	about, shown := fault.NewGate(), fault.NewGate()
	defer shown.Open()
	defer about.Open()
	seen := &watched{Store: store, looked: make(chan struct{})}
	config.Uploader = newUploader(t, seen, littleMemory())
	raw := asked(newServed(t, seen, cache.Config{ListOnly: config.Metadata == MetadataNone}, config))
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_WRONLY)

	store.Add(fault.Rule{Op: first, Mode: fault.Delay, Gate: about, Times: 1})
	var all sync.WaitGroup
	all.Go(func() {
		root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
		must(t, raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "f", "g"))
	})
	<-about.Arrived()
	// Twice what there is memory for, so that nothing of the first half is held.
	for _, half := range []int{0, len(text) / 2} {
		_, status := raw.Write(nil, &fuse.WriteIn{InHeader: file, Fh: handle, Offset: uint64(half)}, text[half+1:][:len(text)/2-1])
		must(t, status)
	}

	// The first copy sets the object aside, the second what its name shows then.
	store.Add(fault.Rule{Op: objstore.OpCopy, KeyContains: ".sluicefs/", Mode: fault.Delay, Gate: shown, After: 1, Times: 1})
	const at = 40 << 12
	var read uint64
	ended := make(chan struct{})
	all.Go(func() {
		defer close(ended)
		read = mustOpen(t, raw, file, syscall.O_RDONLY)
		buf := make([]byte, 4096)
		result, status := raw.Read(nil, &fuse.ReadIn{InHeader: file, Fh: read, Offset: at, Size: uint32(len(buf))}, buf)
		must(t, status)
		if !status.Ok() {
			return
		}
		if got, _ := result.Bytes(buf); !bytes.Equal(got, text[at+1:][:len(buf)]) {
			t.Error("what is read is not what was written")
		}
		result.Done()
	})
	select {
	case <-shown.Arrived():
	case <-ended:
		t.Fatal("it is read without a detour")
	}
	seen.watch.Store(true)
	about.Open()
	<-seen.looked
	shown.Open() // and the name comes back
	all.Wait()
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: read})
}

func must(t *testing.T, status fuse.Status) {
	t.Helper()
	if !status.Ok() {
		t.Error(status)
	}
}
