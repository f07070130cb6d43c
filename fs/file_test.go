package fs

import (
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestAnswerAboutARemovedFile has an answer of the store come when the file was removed
// that it is about. Who has it open reads a copy, of which the answer says nothing: a copy
// of an object that was sent in parts has another ETag.
func TestAnswerAboutARemovedFile(t *testing.T) {
	ctx := t.Context()
	profile, _ := objstore.ProfileByName("aws")
	store := fault.New(mem.New(profile))
	info, err := store.Put(ctx, "f", objstore.Body{Digest: objstore.SumOf(profile.Digest)}, objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(store, cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := waitingSystem(t)
	f.cfg = Config{Metadata: MetadataPosix, Cache: c}
	defer f.background.Wait()
	defer f.cancel()
	w, stop := f.waiting(ctx)
	defer stop()
	n := f.newFileNode(objstore.Info{Key: "f", ETag: info.ETag, ModTime: info.ModTime}) // as a listing tells it
	n.node.place = "f"
	gate := fault.NewGate()
	store.Add(fault.Rule{Op: objstore.OpHead, Mode: fault.Delay, Gate: gate})
	asked := make(chan error, 1)
	go func() { asked <- n.ask(w) }()
	<-gate.Arrived()
	n.mu.Lock()
	n.hidden, n.object.etag, n.deleted = "hidden", "of the copy", true
	n.mu.Unlock()
	gate.Open()
	if err := <-asked; err != nil {
		t.Error(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if got := n.infoLocked("f"); got.Key != "hidden" || got.ETag != "of the copy" {
		t.Errorf("it reads %q with ETag %q", got.Key, got.ETag)
	}
}
