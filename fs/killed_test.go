package fs

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// lateStore does what it is asked for first when nobody wants it any more, as servers do that hear
// of it too late.
type lateStore struct {
	objstore.Store
	t     *testing.T
	first sync.Once
	asked chan struct{} // closed by the first request
}

func (s *lateStore) late(ctx context.Context) context.Context {
	s.first.Do(func() {
		close(s.asked)
		<-objstore.Last(ctx).Done()
		if ctx.Err() != nil {
			s.t.Error("it is not waited for what the store makes of it")
		}
	})
	return context.WithoutCancel(ctx)
}

func (s *lateStore) Put(ctx context.Context, key string, body objstore.Body, o objstore.PutOptions) (objstore.Info, error) {
	return s.Store.Put(s.late(ctx), key, body, o)
}

func (s *lateStore) Copy(ctx context.Context, dst string, src objstore.CopySource, o objstore.CopyOptions) (objstore.Info, error) {
	return s.Store.Copy(s.late(ctx), dst, src, o)
}

func (s *lateStore) Delete(ctx context.Context, key string) error {
	return s.Store.Delete(s.late(ctx), key)
}

// TestKilledCaller changes something at the store, and is killed before it has an answer: whatever
// comes of it does before the name is free for others.
func TestKilledCaller(t *testing.T) {
	for name, change := range map[string]func(*dirNode, *wait) error{
		"mv": func(d *dirNode, w *wait) error { return d.rename(w, "f", d, "g", 0) },
		"rm": func(d *dirNode, w *wait) error { return d.unlink(w, "f") },
		"mkdir": func(d *dirNode, w *wait) error {
			_, err := d.mkdir(w, "d", 0o755, fuse.Caller{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			stored, _ := largeFile(t)
			store := &lateStore{Store: stored, t: t, asked: make(chan struct{})}
			f := newServed(t, store, cache.Config{}, Config{})
			mustLookup(t, asked(f), "f")
			w, stop := f.waiting(t.Context())
			defer stop()
			w.Done()
			ended := make(chan error)
			go func() { ended <- change(f.root, w) }()
			<-store.asked
			w.giveUp()
			err := <-ended
			if name != "mv" {
				return // whichever
			}
			if err != nil {
				t.Error(err)
			}
			if _, err := stored.Head(t.Context(), "f"); !errors.Is(err, objstore.ErrNotFound) {
				t.Errorf("it has both names: %v", err)
			}
		})
	}
}

// TestNoHiddenCopyIsLeftBehind deletes an open file, and gets no answer to the copy that would keep
// its content. The store may refuse to delete that at once.
func TestNoHiddenCopyIsLeftBehind(t *testing.T) {
	for _, refused := range []bool{false, true} {
		store, _ := largeFile(t)
		f := newServed(t, store, cache.Config{}, Config{})
		raw := asked(f)
		file := mustLookup(t, raw, "f")
		handle := mustOpen(t, raw, file, syscall.O_RDONLY)
		store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.LoseAnswer, Times: 1})
		if refused {
			store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: DefaultHiddenPrefix, Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Times: 1})
		}
		if status := raw.Unlink(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "f"); status.Ok() {
			t.Error("it is deleted, and its content is not kept")
		}
		raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
		f.background.Wait()
		if refused {
			f.cfg.Uploader.Close() // at the latest
		}
		page, err := store.List(t.Context(), objstore.ListOptions{Prefix: DefaultHiddenPrefix})
		if err != nil || len(page.Objects) > 0 {
			t.Errorf("%v, left behind: %v", err, page.Objects)
		}
	}
}

// TestOpenAfterAKilledWriter reads a file whose writer was killed, before its RELEASE arrives: nobody sees
// what was not published.
func TestOpenAfterAKilledWriter(t *testing.T) {
	store, text := largeFile(t)
	f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
	raw := asked(f)
	file := mustLookup(t, raw, "f")
	handle := mustOpen(t, raw, file, syscall.O_WRONLY)
	mustWrite(t, raw, file, handle, text[1:4097])
	f.root.child("f").(*fileNode).writing.killed.Store(true)
	waitsForRelease(t, raw, file, handle, func() fuse.Status {
		return raw.Open(nil, &fuse.OpenIn{InHeader: file, Flags: syscall.O_RDONLY}, &fuse.OpenOut{})
	})
}
