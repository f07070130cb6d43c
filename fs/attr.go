package fs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// blockSize is the unit in which programs like to read and write, and a whole
// number of the 512 bytes in which st_blocks counts.
const blockSize = 4096

// defaults are the attributes of an object that says nothing about itself.
func (f *FileSystem) defaults(fileType uint32, modTime time.Time) attributes {
	a := attributes{uid: f.cfg.UID, gid: f.cfg.GID, mtime: modTime, mode: fileType}
	if fileType == fuse.S_IFDIR {
		a.mode |= f.cfg.DirMode & 0o7777
	} else {
		a.mode |= f.cfg.FileMode & 0o7777
	}
	return a
}

// attributesOf says what an object is. known is false where only a HEAD could tell.
func (f *FileSystem) attributesOf(info objstore.Info, fileType uint32) (a attributes, known bool) {
	a = f.defaults(fileType, info.ModTime)
	if f.cfg.Metadata == MetadataNone {
		return a, true
	}
	if !info.Full {
		return a, false
	}
	return decodeAttributes(info.Metadata, a), true
}

// fill writes attributes for the kernel. The access time is the modification time
// where nobody set another one.
func (a attributes) fill(out *fuse.Attr, ino uint64, size int64, accessed, changed time.Time, links uint32) {
	out.Ino = ino
	out.Size = uint64(size)
	out.Blksize = blockSize
	out.Blocks = uint64((size + blockSize - 1) / blockSize * (blockSize / 512))
	out.Mode = a.mode
	out.Nlink = links
	out.Uid, out.Gid = a.uid, a.gid
	out.Rdev = a.rdev
	if changed.Before(a.mtime) {
		changed = a.mtime
	}
	if accessed.IsZero() {
		accessed = a.mtime
	}
	out.SetTimes(&accessed, &a.mtime, &changed)
}

// entry writes an answer to a lookup.
func (f *FileSystem) entry(out *fuse.EntryOut) {
	out.SetEntryTimeout(f.cfg.EntryTTL)
	out.SetAttrTimeout(f.cfg.AttrTTL)
}
