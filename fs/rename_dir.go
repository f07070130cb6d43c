package fs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// copies is how many objects of a directory are copied at once.
const copies = 16

// dirMove is the rename of one directory.
type dirMove struct {
	fsys     *FileSystem
	dir      *dirNode
	from, to string // keys, with a slash at the end

	over chan struct{} // closed when it has ended; set by begin

	// Guarded by tree.mu.
	held   []*fileNode // files whose gate is held
	joined bool        // files that get a name below it join them

	mu     sync.Mutex
	copied map[string]twin       // what is below to as well, by its key below from
	told   map[*fileNode]arrival // the copies of those that had nodes when they were made
	stays  []string              // keys of what was copied, and is another client's now: see again
}

// arrival is a copy of a file's object, and the attributes that it was given.
type arrival struct {
	info    objstore.Info
	attr    *attributes
	foreign bool // another client had stored what was copied: the file does not know of it
}

// renameDir gives a directory another name: every object below it is copied, then
// the names change, then the old objects are deleted. A failure before the names
// change leaves the old tree as it was, and copies that the next attempt
// overwrites; one after it leaves some files under both names. Either can be gone on
// with: see resumes.
func (d *dirNode) renameDir(ctx context.Context, name string, source, target, to *dirNode, newName, newPrefix string) error {
	f := d.fsys
	m := &dirMove{fsys: f, dir: source, from: source.key(), to: newPrefix, copied: map[string]twin{}, told: map[*fileNode]arrival{}}
	if strings.HasPrefix(m.to, m.from) {
		return errInvalid
	}
	defer m.end()
	if err := m.begin(ctx); err != nil {
		return err
	}
	if err := f.departures.flush(ctx); err != nil { // else they would be copied
		return err
	}
	if target != nil {
		if err := m.replaces(ctx, target); err != nil {
			return err
		}
	}
	// Attributes of directories below it are stored before it or after, for the marker
	// under the old name would come back.
	if err := f.pending.storing.enter(ctx); err != nil {
		return err
	}
	defer f.pending.storing.leave()
	if err := m.hold(ctx); err != nil {
		return err
	}
	err := m.copyAll(ctx)
	m.filled() // the copies that were made are there
	f.cfg.Cache.InvalidateDir(to.key())
	if err != nil {
		return err
	}
	f.nodes.move(source, to, newName)
	// A file that could not follow may have left half of itself under its old name [W14],
	// which must not get a new one.
	if err = m.follow(ctx); err == nil {
		// What other clients stored below the old name meanwhile. What they store from here
		// on under a name that is in the list, is deleted: no store deletes many objects
		// on a condition.
		err = m.copyAll(ctx)
	}
	if err == nil {
		err = m.deleteAll(ctx)
	}
	m.emptied()
	f.cfg.Cache.InvalidateDir(to.key())
	m.filled()
	if err != nil {
		// The kernel goes on under the old name, with the node that has the new one
		// now: it must look again.
		f.background.Go(func() { d.NotifyEntry(name) })
		return fmt.Errorf("some files are there under both names: %w", err)
	}
	return nil
}

// filesLocked returns the live file nodes below a directory, oldest first.
func filesLocked(d *dirNode) []*fileNode {
	var out []*fileNode
	var walk func(d *dirNode)
	walk = func(d *dirNode) {
		for _, n := range d.children {
			switch n := n.(type) {
			case *fileNode:
				out = append(out, n)
			case *dirNode:
				walk(n)
			}
		}
	}
	walk(d)
	slices.SortFunc(out, func(a, b *fileNode) int { return cmp.Compare(a.StableAttr().Gen, b.StableAttr().Gen) })
	return out
}

// copyAll copies what is below the old key and was not copied before, or was another object
// then.
func (m *dirMove) copyAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copies)
	opts := objstore.ListOptions{Prefix: m.from}
	for {
		page, err := m.fsys.cfg.Store.List(ctx, opts)
		if err != nil {
			return errors.Join(group.Wait(), fmt.Errorf("list %q: %w", m.from, err))
		}
		for _, info := range page.Objects {
			t, done := m.twinOf(info.Key)
			switch {
			case !done:
				group.Go(func() error { return m.copy(ctx, info, m.node(info.Key)) })
			case !t.was.same(objectOf(info)):
				group.Go(func() error { return m.again(ctx, info, t) })
			}
		}
		if opts.Token = page.Token; page.Token == "" {
			return group.Wait()
		}
	}
}

// newKey is what an old key becomes.
func (m *dirMove) newKey(key string) string { return m.to + key[len(m.from):] }

// copy copies one object, of which n may be the node. One that was deleted or replaced
// meanwhile is left to the second round.
func (m *dirMove) copy(ctx context.Context, info objstore.Info, n *fileNode) error {
	var attr *attributes
	foreign := n != nil && !n.stands(objectOf(info))
	source := info
	if n != nil && !foreign {
		source, attr = n.source(info)
	}
	whole := foreign || attr != nil || n != nil && !n.wishes()
	copied, err := m.fsys.copyWith(ctx, m.newKey(info.Key), source, attr)
	if errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrPrecondition) {
		return nil
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.copied[info.Key] = newTwin(info, copied, whole)
	if n != nil {
		m.told[n] = arrival{copied, attr, foreign}
	}
	return nil
}

// wishes reports that the file's object does not carry all that it shall.
func (n *fileNode) wishes() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pending || n.failed != nil
}

// stands reports that an object is what this mount knows to be stored under the node's
// name: the node's own, or the one that its first commit replaces. The operation gate is
// held.
func (n *fileNode) stands(o object) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.writing; w != nil && w.covers {
		return w.file.Guard().ETag == o.etag
	}
	return n.object.same(o)
}

// source returns what is known of the node's object beyond a listing, and the
// attributes that its copy is to get where they are not stored yet.
func (n *fileNode) source(listed objstore.Info) (objstore.Info, *attributes) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full != nil {
		listed = n.infoLocked(listed.Key)
	}
	if attr, wished := n.wishedLocked(); wished && (n.writing == nil || !n.writing.file.Dirty()) {
		return listed, &attr
	}
	return listed, nil
}

// node returns the live node of an old key, or nil.
func (m *dirMove) node(key string) *fileNode {
	t := &m.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := m.dir
	for rest := key[len(m.from):]; ; {
		name, below, more := strings.Cut(rest, "/")
		n := d.children[name]
		if !more {
			f, _ := n.(*fileNode)
			return f
		}
		var ok bool
		if d, ok = n.(*dirNode); !ok {
			return nil
		}
		rest = below
	}
}

// follow tells the files below the directory where their objects are now, and lets
// go of them.
func (m *dirMove) follow(ctx context.Context) error {
	t := &m.fsys.nodes
	var failures []error
	for {
		t.mu.Lock()
		held := m.held
		m.held, m.joined = nil, len(held) > 0
		t.mu.Unlock()
		if len(held) == 0 {
			return errors.Join(failures...)
		}
		for _, n := range held {
			failures = append(failures, m.tell(ctx, n))
			n.operation.leave()
		}
	}
}

// tell gives a file its new key. Its gate is held.
func (m *dirMove) tell(ctx context.Context, n *fileNode) error {
	key := n.key()
	rest, ok := strings.CutPrefix(key, m.to)
	if !ok {
		return nil // it was moved on
	}
	a, copied, err := m.arrivalOf(ctx, n, m.from+rest)
	if err != nil {
		return err
	}
	n.mu.Lock()
	under := n.writing
	n.mu.Unlock()
	switch {
	case copied && !a.foreign && under != nil && n.unstored.Load(): // the copy is of what it covers
		_, err := under.rename(ctx, key, objstore.Condition{ETag: a.info.ETag})
		return err
	case copied && !a.foreign:
		return n.arrived(ctx, a.info, a.attr)
	case under != nil && under.key != key: // its commit finds what it expects, or fails
		_, err := under.rename(ctx, key, under.file.Guard())
		return err
	case a.foreign && under == nil: // who writes finds out by his commit
		m.fsys.lose(n)
	}
	return nil
}

// arrivalOf returns the copy of a file's object, if there is one. The mount may have come
// to know of the file when the copy was made: then it is what is known of the file, with
// what the copy got anew. The operation gate is held.
func (m *dirMove) arrivalOf(ctx context.Context, n *fileNode, oldKey string) (a arrival, copied bool, err error) {
	m.mu.Lock()
	a, told := m.told[n]
	t, copied := m.copied[oldKey]
	m.mu.Unlock()
	if told || !copied {
		return a, told, nil
	}
	if !n.stands(t.was) {
		return arrival{foreign: true}, true, nil
	}
	a.info, err = n.infoOfCopy(ctx, oldKey, m.newKey(oldKey), t)
	return a, true, err
}

// filled makes the cache forget what it knew of the directories below the new
// name: they may have been there before, and empty.
func (m *dirMove) filled() {
	dirs := map[string]struct{}{m.to: {}}
	for key := range m.copied {
		rest := key[len(m.from):]
		dirs[m.to+rest[:strings.LastIndexByte(rest, '/')+1]] = struct{}{}
	}
	for dir := range dirs {
		m.fsys.cfg.Cache.InvalidateDir(dir)
	}
}

// deleteAll deletes the old objects that were copied.
func (m *dirMove) deleteAll(ctx context.Context) error {
	keys := slices.Sorted(maps.Keys(m.copied))
	var failures []error
	for batch := range slices.Chunk(keys, objstore.MaxPage) {
		failed, err := m.fsys.cfg.Store.DeleteMany(ctx, batch)
		failures = append(failures, err)
		for key, err := range failed {
			failures = append(failures, fmt.Errorf("delete %q: %w", key, err))
		}
		for _, key := range batch {
			if failed[key] == nil && err == nil {
				m.fsys.cfg.Cache.Remove(key)
				m.settle(key)
			}
		}
	}
	return errors.Join(failures...)
}

// settle says what became of attributes or a deletion that failed under an old name: the copy
// has what was wished, or lacks it as well.
func (m *dirMove) settle(key string) {
	if m.copied[key].whole {
		m.fsys.cfg.Uploader.Lacks(key, nil)
		return
	}
	m.fsys.cfg.Uploader.LacksAs(key, m.newKey(key))
}
