package fs

import (
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestHowLongADirectoryIsBelieved has another client change the mode of a directory after
// the mount has looked at it, and the kernel ask twice within two seconds, as it does
// while it lists: the second answer is not believed for a second more.
func TestHowLongADirectoryIsBelieved(t *testing.T) {
	ctx := t.Context()
	profile, _ := objstore.ProfileByName("aws")
	store := mem.New(profile)
	put := func(mode string) {
		t.Helper()
		o := objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{"mode": mode}}}
		if _, err := store.Put(ctx, "d/", objstore.Body{Digest: objstore.SumOf(profile.Digest)}, o); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	clock := func() time.Time { return now }
	f := newServed(t, store, cache.Config{Now: clock, AttrTTL: time.Second, DirTTL: time.Second}, Config{AttrTTL: time.Second, EntryTTL: time.Second, Now: clock})
	raw := asked(f)
	ask := func() (mode uint32, believed time.Duration) {
		t.Helper()
		var out fuse.EntryOut
		if status := raw.Lookup(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "d", &out); !status.Ok() {
			t.Fatal(status)
		}
		if believed = out.AttrTimeout(); believed > 0 {
			return out.Mode & 0o7777, believed
		}
		var attr fuse.AttrOut
		if status := raw.GetAttr(nil, &fuse.GetAttrIn{InHeader: fuse.InHeader{NodeId: out.NodeId}}, &attr); !status.Ok() {
			t.Fatal(status)
		}
		return attr.Mode & 0o7777, attr.Timeout()
	}

	put("16877") // drwxr-xr-x
	if mode, believed := ask(); mode != 0o755 || believed != time.Second {
		t.Errorf("mode %o for %v, want 755 for 1s", mode, believed)
	}
	put("16832") // drwx------
	now = now.Add(900 * time.Millisecond)
	if mode, believed := ask(); mode != 0o755 || believed != time.Second {
		t.Errorf("after 0.9 s: mode %o for %v, want 755 for 1s", mode, believed)
	}
	now = now.Add(900 * time.Millisecond)
	if mode, _ := ask(); mode != 0o700 {
		t.Errorf("after 1.8 s: mode %o, want 700", mode)
	}
}
