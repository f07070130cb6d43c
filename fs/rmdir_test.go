package fs

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// keepingOne is a store that does not delete one object in the company of others.
type keepingOne struct {
	objstore.Store
	kept string
}

func (s *keepingOne) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	var rest []string
	failed := map[string]error{}
	for _, key := range keys {
		if key == s.kept {
			failed[key] = &objstore.Error{Op: objstore.OpDeleteMany, Key: key, Kind: objstore.ErrAccessDenied}
		} else {
			rest = append(rest, key)
		}
	}
	_, err := s.Store.DeleteMany(ctx, rest)
	return failed, err
}

// TestDirectoryStaysAfterAnRmdirInVain removes the last file of a directory, whose marker went with those
// that could be removed: the directory is there until it is removed itself.
func TestDirectoryStaysAfterAnRmdirInVain(t *testing.T) {
	store, _ := largeFile(t)
	f := newServed(t, &keepingOne{store, "d/x9"}, cache.Config{}, Config{})
	raw := asked(f)
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	var entry fuse.EntryOut
	must(t, raw.Mkdir(nil, &fuse.MkdirIn{InHeader: root, Mode: 0o755}, "d", &entry))
	dir := fuse.InHeader{NodeId: entry.NodeId}
	for i := range 10 {
		putText(t, store, fmt.Sprintf("d/x%d", i), "text")
	}
	f.cfg.Cache.InvalidateDir("d/")
	var deleting sync.WaitGroup
	deleting.Go(f.departures.run)
	dir.Caller.Pid = 77 // a thread of its own: the last are deleted together
	for i := range 10 {
		must(t, raw.Unlink(nil, &dir, fmt.Sprintf("x%d", i)))
	}
	if status := raw.Rmdir(nil, &root, "d"); status != fuse.EACCES {
		t.Errorf("rmdir: %v", status)
	}
	dir.Caller.Pid = 78
	must(t, raw.Unlink(nil, &dir, "x9")) // alone
	if _, err := store.Head(t.Context(), "d/"); err != nil {
		t.Errorf("the directory: %v", err)
	}
	f.departures.drain(t.Context())
	deleting.Wait()
}

func TestGroupOfADirectoryIsHandedOn(t *testing.T) {
	store, _ := largeFile(t)
	raw := asked(newServed(t, store, cache.Config{}, Config{}))
	var entry fuse.EntryOut
	must(t, raw.Mkdir(nil, &fuse.MkdirIn{InHeader: fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, Mode: 0o755}, "d", &entry))
	dir := fuse.InHeader{NodeId: entry.NodeId}
	in := fuse.SetAttrInCommon{InHeader: dir, Valid: fuse.FATTR_MODE | fuse.FATTR_GID, Mode: 0o2775, Owner: fuse.Owner{Gid: 7}}
	must(t, raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: in}, &fuse.AttrOut{}))
	must(t, raw.Mkdir(nil, &fuse.MkdirIn{InHeader: dir, Mode: 0o755}, "sub", &entry))
	if entry.Attr.Mode&syscall.S_ISGID == 0 || entry.Attr.Gid != 7 {
		t.Errorf("mode %o, group %d", entry.Attr.Mode, entry.Attr.Gid)
	}
}
