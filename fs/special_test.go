package fs

import (
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestReadlinkOfWhatWasReplaced follows a link that another one has replaced since it was
// looked up: the kernel looks again, and then nobody replaces it until it is read.
func TestReadlinkOfWhatWasReplaced(t *testing.T) {
	ctx := t.Context()
	profile, _ := objstore.ProfileByName("aws")
	store := mem.New(profile)
	put := func(target string) objstore.Info {
		body := objstore.Body{Reader: strings.NewReader(target), Size: int64(len(target)), Digest: objstore.SumOf(profile.Digest, []byte(target))}
		info, err := store.Put(ctx, "link", body, objstore.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		info.Key, info.Size = "link", body.Size
		return info
	}
	f := newServed(t, store, cache.Config{}, Config{})
	node := func(info objstore.Info) *fileNode {
		n := f.newFileNode(info)
		n.node.place = "link"
		return n
	}
	old := node(put("old"))
	now := node(put("new"))
	if _, errno := old.Readlink(ctx); errno != syscall.ESTALE {
		t.Errorf("the one that was replaced: %v, want %v", errno, syscall.ESTALE)
	}
	thread := returner{"link", 0}
	if !f.comebacks.looking(thread) {
		t.Error("nobody is expected to come back")
	}
	if target, errno := now.Readlink(ctx); errno != 0 || string(target) != "new" {
		t.Errorf("the one that is there: %q, %v", target, errno)
	}
	if f.comebacks.looking(thread) {
		t.Error("who has read it is still expected")
	}
}
