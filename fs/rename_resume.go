package fs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// replaces makes sure that the directory may take the place of another: of an empty
// one, or of what an earlier rename to the same name has left.
func (m *dirMove) replaces(ctx context.Context, target *dirNode) error {
	f := m.fsys
	// Not what the cache knows: what is there would be mixed with what comes.
	f.cfg.Cache.InvalidateDir(m.to)
	if full := f.emptyDir(ctx, m.to, target); full != nil {
		if !errors.Is(full, errNotEmpty) || f.nodes.inUse(target) {
			return full
		}
		goesOn, err := m.resumes(ctx)
		if err != nil {
			return fmt.Errorf("compare %q and %q: %w", m.from, m.to, err)
		}
		if !goesOn {
			return full
		}
		f.log.WithFields(logrus.Fields{"op": "rename", "key": m.from, "to": m.to}).Info("going on with a rename that did not come to its end")
		return f.loseBelow(ctx, target)
	}
	return nil
}

// loseBelow has the kernel look again for the files below a directory whose objects make
// room for others. Who has them open and sets something is told ESTALE from now on.
func (f *FileSystem) loseBelow(ctx context.Context, d *dirNode) error {
	f.nodes.mu.RLock()
	files := filesLocked(d)
	f.nodes.mu.RUnlock()
	for _, n := range files {
		if err := n.operation.enter(ctx); err != nil {
			return err
		}
		n.mu.Lock()
		needed := n.neededLocked()         // since it was looked at
		n.replaced = n.replaced || !needed // before anybody can set something
		n.mu.Unlock()
		if !needed {
			f.lose(n)
		}
		n.operation.leave()
		if needed {
			return errNotEmpty
		}
	}
	return nil
}

// inUse reports that something below a directory is yet to be stored.
func (t *tree) inUse(d *dirNode) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return d.inUseLocked()
}

func (d *dirNode) inUseLocked() bool {
	for _, n := range d.children {
		switch n := n.(type) {
		case *fileNode:
			if n.needed() {
				return true
			}
		case *dirNode:
			n.mu.Lock()
			pending := n.pending
			n.mu.Unlock()
			if pending || n.inUseLocked() {
				return true
			}
		}
	}
	return false
}

// resumes reports that a rename from the old to the new name has begun, and did not
// come to its end because the mount died or the store refused. Such a rename leaves
//
//   - below the new name copies of a part of what is below the old one, and no more,
//     where it stopped while it copied, or
//   - below the old name a part of what is below the new one, and no more, where it
//     stopped while it deleted.
//
// To begin again loses nothing then, whoever made the copies: no content is there
// that only one of the names has and that would get lost, and an object is deleted
// when it has been copied anew. Empty files are alike everywhere, and prove nothing,
// nor do markers.
func (m *dirMove) resumes(ctx context.Context) (bool, error) {
	old, copies := m.walk(m.from), m.walk(m.to)
	var onlyOld, onlyCopies, proven bool
	for {
		a, err := old.next(ctx)
		b, errB := copies.next(ctx)
		if err = errors.Join(err, errB); err != nil {
			return false, err
		}
		if a == nil && b == nil {
			return proven, nil
		}
		switch order := compareRest(a, m.from, b, m.to); {
		case order < 0:
			onlyOld = true
			copies.again()
		case order > 0:
			onlyCopies = true
			old.again()
		case !strings.HasSuffix(a.Key, "/"):
			alike, err := m.fsys.alike(ctx, a, b)
			if err != nil || !alike {
				return false, err
			}
			proven = proven || a.Size > 0
		}
		if onlyOld && onlyCopies {
			return false, nil
		}
	}
}

// compareRest compares what two keys have behind their prefixes. nil comes last.
func compareRest(a *objstore.Info, from string, b *objstore.Info, to string) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return strings.Compare(a.Key[len(from):], b.Key[len(to):])
}

// alike reports that two objects have the same content: by their ETags, or by what
// the store says of the whole where these differ, as those of an object that was sent
// in parts and its copy do.
func (f *FileSystem) alike(ctx context.Context, a, b *objstore.Info) (bool, error) {
	if a.Size != b.Size || a.ETag == b.ETag && a.ETag != "" {
		return a.Size == b.Size, nil
	}
	var sums [2]objstore.Digest
	for i, key := range []string{a.Key, b.Key} {
		f.cfg.Cache.Invalidate(key)
		info, err := f.cfg.Cache.Stat(ctx, key)
		if err != nil {
			return false, err
		}
		sums[i] = info.Checksum
	}
	return !sums[0].IsZero() && sums[0].Equal(sums[1]), nil
}

// walk gives the objects below a prefix in the order of their keys, but for the
// marker of the prefix itself.
type walk struct {
	store Mutator
	opts  objstore.ListOptions
	page  []objstore.Info // what is left of it
	last  bool            // there is no other
	given *objstore.Info  // by next
	held  bool            // next gives it again
}

func (m *dirMove) walk(prefix string) *walk {
	return &walk{store: m.fsys.cfg.Store, opts: objstore.ListOptions{Prefix: prefix}}
}

// again has next give the same object once more.
func (w *walk) again() { w.held = true }

// next returns nil at the end.
func (w *walk) next(ctx context.Context) (*objstore.Info, error) {
	if w.held {
		w.held = false
		return w.given, nil
	}
	for len(w.page) == 0 && !w.last {
		page, err := w.store.List(ctx, w.opts)
		if err != nil {
			return nil, fmt.Errorf("list %q: %w", w.opts.Prefix, err)
		}
		w.page, w.opts.Token, w.last = page.Objects, page.Token, page.Token == ""
		if len(w.page) > 0 && w.page[0].Key == w.opts.Prefix {
			w.page = w.page[1:]
		}
	}
	if w.given = nil; len(w.page) > 0 {
		w.given, w.page = &w.page[0], w.page[1:]
	}
	return w.given, nil
}
