package fs

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// untold is a store of which nobody has told that it keeps the time of an object that gets other metadata.
type untold struct{ objstore.Store }

func (s *untold) Profile() *objstore.Profile {
	p := *s.Store.Profile()
	p.KeepsTime = false
	return &p
}

// TestTimesThatAreKept changes the mode of an old object, and then another client does, of which
// no listing tells.
func TestTimesThatAreKept(t *testing.T) {
	for _, told := range []bool{true, false} { // by the profile, or seen
		timesThatAreKept(t, told)
	}
}

func timesThatAreKept(t *testing.T, told bool) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	profile, _ := objstore.ProfileByName("aws")
	profile.KeepsTime = true
	store := mem.New(profile, mem.WithClock(now))
	putText(t, store, "d/f", "text")
	passed.Add(int64(2 * time.Hour))
	seen := objstore.Store(store)
	if !told {
		seen = &untold{store}
	}
	f := newServed(t, seen, cache.Config{Now: now}, Config{Now: now})
	raw := asked(f)
	dir := mustLookup(t, raw, "d")
	mode := func() uint32 {
		passed.Add(int64(3 * time.Second))
		if _, err := f.cfg.Cache.ReadDir("d/").Next(t.Context()); err != nil { // a listing, of one file
			t.Fatal(err)
		}
		var entry fuse.EntryOut
		must(t, raw.Lookup(nil, &dir, "f", &entry))
		return entry.Attr.Mode & 0o777
	}
	mode()
	var entry fuse.EntryOut
	must(t, raw.Lookup(nil, &dir, "f", &entry))
	must(t, chmod(raw, fuse.InHeader{NodeId: entry.NodeId}, 0o600))
	if err := f.pending.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := mode(); m != 0o600 {
		t.Errorf("mode %o, want that which was set", m)
	}
	change := objstore.CopyOptions{Replace: true, ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{metaMode: "33188"}}}
	if _, err := store.Copy(t.Context(), "d/f", objstore.CopySource{Key: "d/f"}, change); err != nil {
		t.Fatal(err)
	}
	if m := mode(); m != 0o644 {
		t.Errorf("mode %o, want that which another client has set", m)
	}
}
