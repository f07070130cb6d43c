package fs

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

func chmod(raw fuse.RawFileSystem, file fuse.InHeader, mode uint32) fuse.Status {
	in := fuse.SetAttrInCommon{InHeader: file, Valid: fuse.FATTR_MODE, Mode: mode}
	return raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: in}, &fuse.AttrOut{})
}

// wantMode checks the permissions that an object carries.
func wantMode(t *testing.T, store objstore.Store, key string, want uint32) {
	t.Helper()
	info, err := store.Head(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if mode, _ := decodeMode(info.Metadata[metaMode]); mode&0o777 != want {
		t.Errorf("%q is stored with mode %o, want %o", key, mode&0o777, want)
	}
}

// TestChmodBehindAChangeOfNothing sets a mode after a truncation to the size that the file has:
// no commit comes that could carry it. It is stored by the fsync, and also without one.
func TestChmodBehindAChangeOfNothing(t *testing.T) {
	for _, synced := range []bool{true, false} {
		store, text := largeFile(t)
		f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
		raw := asked(f)
		file := mustLookup(t, raw, "f")
		handle := mustOpen(t, raw, file, syscall.O_RDWR)
		in := fuse.SetAttrInCommon{InHeader: file, Valid: fuse.FATTR_SIZE | fuse.FATTR_FH, Fh: handle, Size: uint64(len(text))}
		must(t, raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: in}, &fuse.AttrOut{}))
		must(t, chmod(raw, file, 0o600))
		if synced {
			must(t, raw.Fsync(nil, &fuse.FsyncIn{InHeader: file, Fh: handle}))
			wantMode(t, store, "f", 0o600)
		}
		must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
		raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
		if err := f.pending.flush(t.Context()); err != nil {
			t.Error(err)
		}
		wantMode(t, store, "f", 0o600)
	}
}

// failToStore has the attributes that wait fail to be stored, and then somebody look at the file.
func failToStore(t *testing.T, f *FileSystem, store *fault.Store, op, key string) {
	t.Helper()
	rule := store.Add(fault.Rule{Op: op, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	if f.pending.flush(t.Context()) == nil {
		t.Fatal("the attributes are stored")
	}
	rule.Remove()
	f.cfg.Cache.Invalidate(key)
	mustLookup(t, asked(f), key)
	failures, _ := f.cfg.Uploader.Failures()
	if len(failures) != 1 {
		t.Errorf("not stored are %v", failures)
	}
}

// TestAttributesThatCouldNotBeStored are stored by the next fsync, by the same change made again,
// by a rename, or with what is written; until then the file counts as not stored.
func TestAttributesThatCouldNotBeStored(t *testing.T) {
	for name, again := range map[string]func(*FileSystem, fuse.RawFileSystem, fuse.InHeader) (key string){
		"fsync": func(f *FileSystem, raw fuse.RawFileSystem, file fuse.InHeader) string {
			handle := mustOpen(t, raw, file, syscall.O_RDONLY)
			must(t, raw.Fsync(nil, &fuse.FsyncIn{InHeader: file, Fh: handle}))
			raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
			return "f"
		},
		"chmod": func(f *FileSystem, raw fuse.RawFileSystem, file fuse.InHeader) string {
			must(t, chmod(raw, file, 0o600))
			if err := f.pending.flush(t.Context()); err != nil {
				t.Error(err)
			}
			return "f"
		},
		"rename": func(f *FileSystem, raw fuse.RawFileSystem, file fuse.InHeader) string {
			root := fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}
			must(t, raw.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: fuse.FUSE_ROOT_ID}, "f", "g"))
			return "g"
		},
		"write": func(f *FileSystem, raw fuse.RawFileSystem, file fuse.InHeader) string {
			handle := mustOpen(t, raw, file, syscall.O_WRONLY)
			mustWrite(t, raw, file, handle, []byte("new"))
			must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
			raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
			return "f"
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, text := largeFile(t)
			other := objstore.ObjectOptions{CacheControl: "max-age=5", Metadata: map[string]string{"color": "blue"}}
			body := objstore.Body{Reader: bytes.NewReader(text), Size: int64(len(text)), Digest: objstore.SumOf(store.Profile().Digest, text)}
			if _, err := store.Put(t.Context(), "f", body, objstore.PutOptions{ObjectOptions: other}); err != nil {
				t.Fatal(err)
			}
			f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
			raw := asked(f)
			file := mustLookup(t, raw, "f")
			must(t, chmod(raw, file, 0o600))
			failToStore(t, f, store, objstore.OpCopy, "f")
			n := f.root.child("f").(*fileNode)
			n.mu.Lock()
			n.learnLocked(objstore.Info{Key: "f", ETag: n.object.etag, Size: n.object.size, ModTime: n.object.modTime}) // as a listing tells, a second later
			n.mu.Unlock()
			key := again(f, raw, file)
			wantMode(t, store, key, 0o600)
			info, err := store.Head(t.Context(), key)
			if err != nil || info.CacheControl != "max-age=5" || info.Metadata["color"] != "blue" {
				t.Errorf("%v: it has lost other properties: %q, %v", err, info.CacheControl, info.Metadata)
			}
			if failures, _ := f.cfg.Uploader.Failures(); len(failures) > 0 {
				t.Errorf("not stored are %v", failures)
			}
		})
	}
}

// TestAttributesBeforeAKilledWriter are stored, though what he wrote is not.
func TestAttributesBeforeAKilledWriter(t *testing.T) {
	for _, queued := range []bool{true, false} {
		store, text := largeFile(t)
		f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
		raw := asked(f)
		file := mustLookup(t, raw, "f")
		must(t, chmod(raw, file, 0o600))
		handle := mustOpen(t, raw, file, syscall.O_WRONLY)
		mustWrite(t, raw, file, handle, []byte("new"))
		if queued { // its time comes while the file is being written
			if err := f.pending.flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		f.root.child("f").(*fileNode).writing.killed.Store(true)
		raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
		wantMode(t, store, "f", 0o600)
		if textOf(t, store, "f") != string(text) {
			t.Error("the content is another one")
		}
	}
}

// TestLostAnswerToAttributes has the store take them, and not say so: who writes to the file then
// does not find an object that he takes for another client's.
func TestLostAnswerToAttributes(t *testing.T) {
	store, _ := largeFile(t)
	f := newServed(t, store, cache.Config{}, Config{Uploader: newUploader(t, store, littleMemory())})
	raw := asked(f)
	file := mustLookup(t, raw, "f")
	must(t, chmod(raw, file, 0o600))
	store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.LoseAnswer, Times: 1})
	if err := f.pending.flush(t.Context()); err != nil {
		t.Error(err)
	}
	wantMode(t, store, "f", 0o600)
	handle := mustOpen(t, raw, file, syscall.O_WRONLY)
	mustWrite(t, raw, file, handle, []byte("new"))
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
}

// TestDirectoryAttributesThatCouldNotBeStored are stored by the next fsync, or the same change made again, and
// not missed when the directory is gone.
func TestDirectoryAttributesThatCouldNotBeStored(t *testing.T) {
	for _, again := range []string{"fsync", "chmod", "rmdir"} {
		store, _ := largeFile(t)
		f := newServed(t, store, cache.Config{}, Config{})
		raw := asked(f)
		var entry fuse.EntryOut
		must(t, raw.Mkdir(nil, &fuse.MkdirIn{InHeader: fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, Mode: 0o755}, "d", &entry))
		dir := fuse.InHeader{NodeId: entry.NodeId}
		must(t, chmod(raw, dir, 0o700))
		failToStore(t, f, store, objstore.OpPut, "d")
		switch again {
		case "fsync":
			var opened fuse.OpenOut
			must(t, raw.OpenDir(nil, &fuse.OpenIn{InHeader: dir}, &opened))
			must(t, raw.FsyncDir(nil, &fuse.FsyncIn{InHeader: dir, Fh: opened.Fh}))
			raw.ReleaseDir(&fuse.ReleaseIn{InHeader: dir, Fh: opened.Fh})
		case "chmod":
			must(t, chmod(raw, dir, 0o700))
			if err := f.pending.flush(t.Context()); err != nil {
				t.Error(err)
			}
		case "rmdir":
			must(t, raw.Rmdir(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "d"))
		}
		if again != "rmdir" {
			wantMode(t, store, "d/", 0o700)
		}
		if failures, _ := f.cfg.Uploader.Failures(); len(failures) > 0 {
			t.Errorf("not stored are %v", failures)
		}
	}
}

// TestTheLargestAttribute that is taken can be stored, with what a commit adds to it.
func TestTheLargestAttribute(t *testing.T) {
	store, _ := largeFile(t)
	raw := asked(newServed(t, store, cache.Config{}, Config{}))
	var out fuse.CreateOut
	in := fuse.CreateIn{InHeader: fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, Flags: syscall.O_WRONLY | syscall.O_EXCL, Mode: 0o644}
	must(t, raw.Create(nil, &in, "new", &out))
	file := fuse.InHeader{NodeId: out.NodeId}
	for n := 2048; n > 0; n-- {
		set := fuse.SetXAttrIn{InHeader: file, Size: uint32(n)}
		if raw.SetXAttr(nil, &set, "user.x", bytes.Repeat([]byte("a"), n)).Ok() {
			break
		}
		if n < 100 {
			t.Fatal("none is taken")
		}
	}
	times := fuse.SetAttrInCommon{InHeader: file, Valid: fuse.FATTR_MTIME | fuse.FATTR_UID | fuse.FATTR_GID, Mtime: 1 << 33, Mtimensec: 123456789}
	times.Owner = fuse.Owner{Uid: 4e9, Gid: 4e9}
	must(t, raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: times}, &fuse.AttrOut{}))
	mustWrite(t, raw, file, out.Fh, []byte("data"))
	must(t, raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: out.Fh}))
	raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: out.Fh})
}

// TestSameBytesOtherMode writes what the file has already, and sets another mode (cp -p of a file that was
// not changed). Where close says that it is stored, it is, with the mode.
func TestSameBytesOtherMode(t *testing.T) {
	for mode, want := range map[fault.Mode]fuse.Status{fault.Drop: fuse.EIO, fault.LoseAnswer: fuse.OK} {
		t.Run(string(mode), func(t *testing.T) {
			store, _ := largeFile(t)
			putText(t, store, "x", "text")
			raw := asked(newServed(t, store, cache.Config{}, Config{}))
			file := mustLookup(t, raw, "x")
			handle := mustOpen(t, raw, file, syscall.O_WRONLY|syscall.O_TRUNC)
			mustWrite(t, raw, file, handle, []byte("text"))
			must(t, chmod(raw, file, 0o600))
			store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "x", Mode: mode})
			if status := raw.Flush(nil, &fuse.FlushIn{InHeader: file, Fh: handle}); status != want {
				t.Errorf("close: %v, want %v", status, want)
			}
			raw.Release(nil, &fuse.ReleaseIn{InHeader: file, Fh: handle})
			if want.Ok() {
				wantMode(t, store, "x", 0o600)
			}
		})
	}
}
