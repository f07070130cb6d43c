//go:build integration

package integration

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestAttributesOutliveATruncate changes attributes and then the size, by name, before
// they are stored: the commit has to carry them.
func TestAttributesOutliveATruncate(t *testing.T) {
	e := inMemory(t)
	m := e.mountWith(func(c *fs.Config) { c.MetadataDelay = forEver })
	e.write(m, "f", "content")
	at := filepath.Join(m.Dir, "f")
	e.ok(os.Chmod(at, 0o600))
	e.ok(os.Truncate(at, 3))
	e.ok(m.FS.Sync(e.Context()))
	other := e.mount()
	if mode := e.stat(other, "f").Mode & 0o7777; mode != 0o600 {
		t.Errorf("mode %o, want 600", mode)
	}
	e.want("content", e.read(other, "f"), "con")
}

// TestAttributesOfAnotherMount changes what only the metadata tells of a file that another
// mount knows all about, and writes to it there. The content, and so the ETag, is the same.
func TestAttributesOfAnotherMount(t *testing.T) {
	e := inMemory(t)
	one, other := e.trusting(-1), e.trusting(-1)
	at := func(m *mounttest.Mount) string { return filepath.Join(m.Dir, "f") }
	e.write(other, "f", noise(10_000))
	e.stat(other, "f")
	e.ok(os.Chmod(at(one), 0o600))
	e.ok(unix.Setxattr(at(one), "user.note", []byte("new"), 0))
	e.ok(one.FS.Sync(e.Context()))
	if mode := e.stat(other, "f").Mode & 0o7777; mode != 0o600 {
		t.Errorf("mode %o, want 600", mode)
	}
	value := make([]byte, 10)
	n, err := unix.Getxattr(at(other), "user.note", value)
	e.ok(err)
	e.want("attribute", string(value[:n]), "new")

	e.ok(os.Chmod(at(one), 0o640))
	e.ok(one.FS.Sync(e.Context()))
	e.ok(appendTo(at(other), "more"))
	if mode := e.stat(e.mount(), "f").Mode & 0o7777; mode != 0o640 {
		t.Errorf("who appended gave it mode %o, want 640", mode)
	}
}

// TestFileIsSeenWhileItsAttributesAreStored asks for them while the copy that stores
// them is on its way.
func TestFileIsSeenWhileItsAttributesAreStored(t *testing.T) {
	set := time.Unix(1_500_000_000, 7_000)
	for _, name := range []string{"file", "link"} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			m := e.mountWith(func(c *fs.Config) { c.AttrTTL, c.EntryTTL, c.MetadataDelay = -1, -1, forEver })
			at := filepath.Join(m.Dir, name)
			if name == "link" {
				e.ok(os.Symlink("target", at))
			} else {
				e.write(m, name, "content")
			}
			times := []unix.Timeval{unix.NsecToTimeval(set.UnixNano()), unix.NsecToTimeval(set.UnixNano())}
			e.ok(unix.Lutimes(at, times))
			seen := func(when string) {
				t.Helper()
				info, err := os.Lstat(at)
				e.ok(err)
				if got := info.ModTime(); !got.Equal(set) {
					t.Errorf("%s: %v, want %v", when, got, set)
				}
			}
			gate := fault.NewGate()
			defer gate.Open()
			e.store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: gate})
			stored := make(chan error)
			go func() { stored <- m.FS.Sync(e.Context()) }()
			<-gate.Arrived()
			seen("while they are stored")
			e.ok(os.Lchown(at, 1234, 5678))
			gate.Open()
			e.ok(<-stored)
			seen("once they are stored")
			e.ok(m.FS.Sync(e.Context()))
			seen("once the owner is stored, too")
			if o := e.stat(e.mount(), name); o.Uid != 1234 || !time.Unix(o.Mtim.Unix()).Equal(set) {
				t.Errorf("another mount sees owner %d and %v", o.Uid, time.Unix(o.Mtim.Unix()))
			}
		})
	}
}

// lateAnswer is a store whose answer to a HEAD is on its way for a while.
type lateAnswer struct {
	objstore.Store
	late    atomic.Bool
	arrived chan struct{} // the store has answered
	deliver chan struct{} // closed when the answer is to be received
}

func (s *lateAnswer) Head(ctx context.Context, key string) (objstore.Info, error) {
	info, err := s.Store.Head(ctx, key)
	if s.late.CompareAndSwap(true, false) {
		s.arrived <- struct{}{}
		<-s.deliver
	}
	return info, err
}

// TestAnswersThatAreOlderThanAChange looks at a file while this mount stores its
// attributes, or its content: the store's answer to the look is from before that.
func TestAnswersThatAreOlderThanAChange(t *testing.T) {
	for name, change := range map[string]func(m *mounttest.Mount, f *os.File) error{
		"attributes": func(m *mounttest.Mount, f *os.File) error { return errors.Join(f.Chmod(0o711), f.Sync()) },
		"content": func(m *mounttest.Mount, f *os.File) error {
			return errors.Join(f.Chmod(0o711), os.WriteFile(filepath.Join(m.Dir, "f"), []byte("new content"), 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			store := &lateAnswer{Store: e.store, arrived: make(chan struct{}), deliver: make(chan struct{})}
			m := mounttest.New(e, store, mounttest.Options{
				FS: func(c *fs.Config) {
					c.AttrTTL, c.EntryTTL, c.MetadataDelay = -1, -1, forEver
				},
				Cache: func(c *cache.Config) { c.AttrTTL, c.DirTTL, c.NegativeTTL = -1, -1, -1 },
			})
			e.put("f", "old content", nil)
			f := e.open(m, "f", os.O_RDONLY)
			at := filepath.Join(m.Dir, "f")
			store.late.Store(true)
			type look struct {
				info os.FileInfo
				err  error
			}
			looked := make(chan look)
			go func() {
				info, err := os.Lstat(at)
				looked <- look{info, err}
			}()
			<-store.arrived
			e.ok(change(m, f))
			close(store.deliver)
			l := <-looked
			e.ok(l.err)
			if mode := l.info.Mode().Perm(); mode != 0o711 {
				t.Errorf("mode %o, want 711", mode)
			}
			again, err := os.Lstat(at)
			e.ok(err)
			if !os.SameFile(l.info, again) {
				t.Error("it became another file")
			}
			e.ok(f.Close())
		})
	}
}
