package fs

import (
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func TestChangeOf(t *testing.T) {
	now := time.Unix(1700000000, 5)
	for name, c := range map[string]struct {
		in       fuse.SetAttrInCommon
		any      bool
		implicit bool
		mtime    time.Time // zero: not asked for
	}{
		"chmod":                       {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_MODE, Mode: 0o600}, any: true},
		"chown":                       {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_UID | fuse.FATTR_GID}, any: true},
		"utimens":                     {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_ATIME | fuse.FATTR_MTIME, Mtime: 9, Mtimensec: 8}, any: true, mtime: time.Unix(9, 8)},
		"touch":                       {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_ATIME | fuse.FATTR_ATIME_NOW | fuse.FATTR_MTIME | fuse.FATTR_MTIME_NOW}, any: true, mtime: now},
		"the kernel tells its mtime":  {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_MTIME | fuse.FATTR_CTIME | fuse.FATTR_FH, Mtime: 9}, any: true, implicit: true, mtime: time.Unix(9, 0)},
		"a size says nothing of this": {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_SIZE}, implicit: true},
		"only the time of access":     {in: fuse.SetAttrInCommon{Valid: fuse.FATTR_ATIME}, any: true},
	} {
		got, any := changeOf(&fuse.SetAttrIn{SetAttrInCommon: c.in}, now)
		if any != c.any || got.implicit != c.implicit {
			t.Errorf("%s: any %v, implicit %v; want %v, %v", name, any, got.implicit, c.any, c.implicit)
		}
		if (got.mtime == nil) != c.mtime.IsZero() || got.mtime != nil && !got.mtime.Equal(c.mtime) {
			t.Errorf("%s: mtime %v, want %v", name, got.mtime, c.mtime)
		}
	}
}

func TestApply(t *testing.T) {
	u := func(v uint32) *uint32 { return &v }
	base := attributes{known: knownMode, mode: syscall.S_IFREG | 0o6755, uid: 1, gid: 2, mtime: time.Unix(3, 0)}
	for name, c := range map[string]struct {
		change  change
		from    attributes
		mode    uint32
		known   known
		differs bool
	}{
		"chmod keeps the type":              {change{mode: u(0o600)}, base, syscall.S_IFREG | 0o600, knownMode, true},
		"chmod to what it is":               {change{mode: u(0o6755)}, base, base.mode, knownMode, false},
		"chown takes privileges away":       {change{uid: u(9)}, base, syscall.S_IFREG | 0o755, knownMode | knownUID, true},
		"to the same owner as well":         {change{gid: u(2)}, base, syscall.S_IFREG | 0o755, knownMode | knownGID, true},
		"setgid without x is a lock, kept":  {change{uid: u(9)}, attributes{mode: syscall.S_IFREG | 0o2644}, syscall.S_IFREG | 0o2644, knownUID, true},
		"a directory keeps its bits":        {change{uid: u(9)}, attributes{mode: syscall.S_IFDIR | 0o2775}, syscall.S_IFDIR | 0o2775, knownUID, true},
		"a time that is what it was":        {change{mtime: &base.mtime}, attributes{known: knownMtime, mtime: base.mtime}, 0, knownMtime, false},
		"a time that nobody said before":    {change{mtime: &base.mtime}, attributes{mtime: base.mtime}, 0, knownMtime, true},
		"chmod and chown at once: the mode": {change{mode: u(0o4711), uid: u(9)}, base, syscall.S_IFREG | 0o4711, knownMode | knownUID, true},
	} {
		got, differs := c.change.apply(c.from)
		if got.mode != c.mode || got.known != c.known || differs != c.differs {
			t.Errorf("%s: mode %o known %b differs %v; want %o, %b, %v", name, got.mode, got.known, differs, c.mode, c.known, c.differs)
		}
	}
}
