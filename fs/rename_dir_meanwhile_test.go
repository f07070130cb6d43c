package fs

import (
	"bytes"
	"errors"
	"runtime"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/uploader"
)

// slowMove is the rename of "d" to "e" that has copied all but "d/b", which it copies for
// as long as its gate is closed.
type slowMove struct {
	t     *testing.T
	fsys  *FileSystem
	raw   fuse.RawFileSystem
	dir   fuse.InHeader
	gate  *fault.Gate
	ended chan fuse.Status
}

// newSlowMove begins the rename when the kernel has looked up the names that are given.
func newSlowMove(t *testing.T, store *fault.Store, u *uploader.Uploader, known ...string) *slowMove {
	t.Helper()
	f := newServed(t, store, cache.Config{}, Config{Uploader: u})
	s := &slowMove{t: t, fsys: f, raw: asked(f), gate: fault.NewGate(), ended: make(chan fuse.Status, 1)}
	t.Cleanup(s.gate.Open)
	s.dir = mustLookup(t, s.raw, "d")
	for _, name := range known {
		s.lookup(name)
	}
	store.Add(fault.Rule{Op: objstore.OpCopy, KeyContains: "b", Mode: fault.Delay, Gate: s.gate, Times: 1})
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	go func() {
		s.ended <- s.raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "d", "e")
	}()
	<-s.gate.Arrived()
	f.nodes.mu.RLock()
	m := f.root.children["d"].(*dirNode).moving
	f.nodes.mu.RUnlock()
	page, err := store.List(t.Context(), objstore.ListOptions{Prefix: "d/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range page.Objects {
		for copied := info.Key == "d/b"; !copied; _, copied = m.twinOf(info.Key) {
			runtime.Gosched()
		}
	}
	return s
}

func (s *slowMove) lookup(name string) fuse.InHeader {
	s.t.Helper()
	var entry fuse.EntryOut
	must(s.t, s.raw.Lookup(nil, &s.dir, name, &entry))
	return fuse.InHeader{NodeId: entry.NodeId}
}

// overwrite opens a file, empties it, writes and closes it.
func (s *slowMove) overwrite(file fuse.InHeader, text string) {
	s.t.Helper()
	handle := mustOpen(s.t, s.raw, file, syscall.O_WRONLY|syscall.O_TRUNC)
	mustWrite(s.t, s.raw, file, handle, []byte(text))
	must(s.t, s.raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	s.raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
}

func (s *slowMove) finish() {
	s.t.Helper()
	s.gate.Open()
	must(s.t, <-s.ended)
}

// storedInParts puts an object whose copy has another ETag.
func storedInParts(t *testing.T, u *uploader.Uploader, key string, text []byte) {
	t.Helper()
	file := u.Open(key, uploader.OpenOptions{})
	if _, err := file.WriteAt(t.Context(), text, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	file.Close(t.Context())
}

// slowMoveOfParts moves a file that was sent in parts, and is copied by then: its copy has another ETag.
func slowMoveOfParts(t *testing.T) (s *slowMove, store *fault.Store, text []byte) {
	t.Helper()
	store, text = largeFile(t)
	u := newUploader(t, store, littleMemory())
	storedInParts(t, u, "d/a", text)
	putText(t, store, "d/b", "other")
	return newSlowMove(t, store, u), store, text
}

// TestOpenedWhileDirMoves reads a file that was opened when its copy was there already.
func TestOpenedWhileDirMoves(t *testing.T) {
	s, _, text := slowMoveOfParts(t)
	file := s.lookup("a")
	handle := mustOpen(t, s.raw, file, syscall.O_RDONLY)
	s.finish()
	buf := make([]byte, 4096)
	r, status := s.raw.Read(nil, &fuse.ReadIn{InHeader: file, Fh: handle, Offset: 1 << 20, Size: 4096}, buf)
	if !status.Ok() {
		t.Fatal(status)
	}
	if got, _ := r.Bytes(buf); !bytes.Equal(got, text[1<<20:][:4096]) {
		t.Error("it has other bytes")
	}
	r.Done()
	s.raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	must(t, s.raw.GetAttr(nil, &fuse.GetAttrIn{InHeader: file}, &fuse.AttrOut{}))
}

// TestWriterOpenedWhileDirMoves writes to a file that was looked up when its copy was
// there already.
func TestWriterOpenedWhileDirMoves(t *testing.T) {
	s, store, text := slowMoveOfParts(t)
	file := s.lookup("a")
	must(t, chmod(s.raw, file, 0o600))
	s.finish()
	handle := mustOpen(t, s.raw, file, syscall.O_WRONLY)
	mustWrite(t, s.raw, file, handle, []byte("new"))
	must(t, s.raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	s.raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
	if got := textOf(t, store, "e/a"); got != "new"+string(text[3:]) {
		t.Errorf("%d other bytes are stored", len(got))
	}
	wantMode(t, store, "e/a", 0o600)
}

// TestReplacedWhileDirMoves knows what another client stored from what was
// copied before, and moves it.
func TestReplacedWhileDirMoves(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []string // before
		then  bool     // it is looked up after
	}{
		{name: "unknown"},
		{name: "known", known: []string{"a"}},
		{name: "seen", then: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, _ := largeFile(t)
			putText(t, store, "d/a", "old")
			putText(t, store, "d/b", "other")
			s := newSlowMove(t, store, nil, c.known...)
			putText(t, store, "d/a", "another client's")
			if c.then {
				s.lookup("a")
			}
			s.finish()
			if got := textOf(t, store, "e/a"); got != "another client's" {
				t.Errorf("%q has the new name", got)
			}
			if _, err := store.Head(t.Context(), "d/a"); err == nil {
				t.Error("the old name is there")
			}
			file := s.lookup("a")
			s.overwrite(file, "new")
			if got := textOf(t, store, "e/a"); got != "new" {
				t.Errorf("%q is stored", got)
			}
		})
	}
}

// TestBothReplacedWhileDirMoves loses neither what another client stored under an old name,
// nor what this mount stored under the new one before the rename had seen that.
func TestBothReplacedWhileDirMoves(t *testing.T) {
	store, _ := largeFile(t)
	names := []string{"a", "s/a"}
	for _, name := range names {
		putText(t, store, "d/"+name, "old")
	}
	putText(t, store, "d/b", "other")
	s := newSlowMove(t, store, nil, "a", "s")
	d := s.dir
	files := []fuse.InHeader{s.lookup("a")}
	s.dir = s.lookup("s")
	files = append(files, s.lookup("a"))
	for _, name := range names {
		putText(t, store, "d/"+name, "another client's")
	}
	second := fault.NewGate()
	t.Cleanup(second.Open)
	store.Add(fault.Rule{Op: objstore.OpList, KeyContains: "d/", Mode: fault.Delay, Gate: second, Times: 1})
	s.gate.Open()
	<-second.Arrived()
	for _, file := range files {
		s.overwrite(file, "ours")
	}
	second.Open()
	must(t, <-s.ended)
	for _, name := range names {
		if got := textOf(t, store, "e/"+name); got != "ours" {
			t.Errorf("%q is e/%s", got, name)
		}
		if got := textOf(t, store, "d/"+name); got != "another client's" {
			t.Errorf("%q is d/%s", got, name)
		}
	}
	if s.dir = mustLookup(t, s.raw, "d"); s.dir == d {
		t.Error("the old name has the directory that was renamed")
	}
	s.lookup("a")
	s.dir = s.lookup("s")
	s.lookup("a")
}

// TestFailuresMoveWithTheirDir does not miss attributes under an old name that the copy has, and
// misses those that it lacks under the new one.
func TestFailuresMoveWithTheirDir(t *testing.T) {
	store, _ := largeFile(t)
	putText(t, store, "d/a", "text")
	putText(t, store, "d/b", "text")
	f := newServed(t, store, cache.Config{}, Config{})
	raw := asked(f)
	dir := mustLookup(t, raw, "d")
	var entry fuse.EntryOut
	must(t, raw.Lookup(nil, &dir, "a", &entry))
	must(t, chmod(raw, fuse.InHeader{NodeId: entry.NodeId}, 0o600))
	rule := store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	if f.pending.flush(t.Context()) == nil {
		t.Fatal("they are stored")
	}
	rule.Remove()
	f.cfg.Uploader.Lacks("d/b", errors.New("refused, of a file that is not known any more"))
	root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
	must(t, raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "d", "e"))
	wantMode(t, store, "e/a", 0o600)
	if failures, _ := f.cfg.Uploader.Failures(); len(failures) != 1 || failures[0].Key != "e/b" {
		t.Errorf("failures: %v", failures)
	}
}
