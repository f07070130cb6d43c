package fs

import (
	"fmt"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestReaddirWhileAFileIsStored lists a directory again and again while the last close
// stores a new file in it: no listing misses the name, by what is kept of an older one.
func TestReaddirWhileAFileIsStored(t *testing.T) {
	profile, _ := objstore.ProfileByName("aws")
	f := newServed(t, mem.New(profile), cache.Config{DirTTL: time.Hour}, Config{})
	raw := asked(f)
	listed := func(name string) bool {
		t.Helper()
		opened, _, _ := f.root.OpendirHandle(t.Context(), 0)
		found := false
		for {
			entry, errno := opened.(*dirHandle).Readdirent(t.Context())
			if errno != 0 {
				t.Fatal(errno)
			}
			if entry == nil {
				return found
			}
			found = found || entry.Name == name
		}
	}
	for i := range 500 {
		name := fmt.Sprint(i % 8)
		header, handle := mustCreate(t, raw, name)
		released := make(chan struct{})
		go func() {
			defer close(released)
			raw.Release(nil, &fuse.ReleaseIn{InHeader: header, Fh: handle})
		}()
		for over := false; !over; {
			select {
			case <-released:
				over = true
			default:
			}
			if !listed(name) {
				t.Fatalf("file %d is missed by a listing", i)
			}
		}
		if status := raw.Unlink(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, name); !status.Ok() {
			t.Fatal(status)
		}
	}
}
