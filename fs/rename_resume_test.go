package fs

import (
	"errors"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestLoseBelow takes the name of a file that makes room for a copy, and not of one of
// which something is yet to be stored.
func TestLoseBelow(t *testing.T) {
	ctx := t.Context()
	profile, _ := objstore.ProfileByName("aws")
	store := mem.New(profile)
	if _, err := store.Put(ctx, "d/f", objstore.Body{Digest: objstore.SumOf(profile.Digest)}, objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	f := newServed(t, store, cache.Config{}, Config{})
	raw := asked(f)
	at := uint64(fuse.FUSE_ROOT_ID)
	for _, name := range []string{"d", "f"} {
		var out fuse.EntryOut
		if status := raw.Lookup(nil, &fuse.InHeader{NodeId: at}, name, &out); !status.Ok() {
			t.Fatal(status)
		}
		at = out.NodeId
	}
	d := f.root.child("d").(*dirNode)
	n := d.child("f").(*fileNode)
	n.pending = true
	if err := f.loseBelow(ctx, d); !errors.Is(err, errNotEmpty) || d.child("f") == nil || n.replaced {
		t.Errorf("with something to store: %v, there: %v", err, d.child("f") != nil)
	}
	n.pending = false
	if err := f.loseBelow(ctx, d); err != nil || d.child("f") != nil || !n.replaced {
		t.Errorf("with nothing to store: %v, there: %v", err, d.child("f") != nil)
	}
	mode := uint32(0o600)
	if err := n.setAttributes(change{mode: &mode}); !errors.Is(err, errStale) {
		t.Errorf("a mode for one without a name: %v", err)
	}
}
