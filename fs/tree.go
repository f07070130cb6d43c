package fs

import (
	"sync"
	"sync/atomic"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
)

// tree is what this mount knows of the names: the nodes that the kernel holds,
// and under which directory and name each one is. go-fuse keeps a tree of its
// own, but changes it after our methods have returned, which is too late for
// the requests in between.
type tree struct {
	grace grace

	generation atomic.Uint64 // of the node made last
	editions   atomic.Uint64 // the last one that a node got

	// mu guards the node fields below it: parent, name, children, removals, staying, moving.
	mu      sync.RWMutex
	numbers map[uint64]struct{} // inode numbers in use
	moves   uint64              // renames of directories so far
	left    chan struct{}       // closed when somebody has left a directory: see moves.go; nil while nobody waits
}

// node is what directories and files have in common.
type node struct {
	gofuse.Inode

	fsys *FileSystem

	edition atomic.Uint64 // when this mount stored something of it: see tree.renew

	// Guarded by tree.mu.
	parent   *dirNode // nil for the root and for what has no name any more
	name     string
	place    string        // the key it had when it lost its name
	handouts atomic.Uint64 // how often it was returned to go-fuse; added to under a read lock
	// forgotten says that the kernel has let go of the node, dropped that its
	// number may be taken by another.
	forgotten, dropped bool
}

// treeNode is a *dirNode or a *fileNode.
type treeNode interface {
	gofuse.InodeEmbedder
	tree() *node
	// needed reports that the node has something that must not be lost although
	// the kernel has forgotten it. tree.mu is held.
	needed() bool
}

func (n *node) tree() *node { return n }

// keyLocked is the key of a node, which for a directory ends in a slash (or is
// empty). A node without a name has the key that it had in its old place.
func keyLocked(t treeNode) string {
	n := t.tree()
	d, isDir := t.(*dirNode)
	switch {
	case isDir && d == d.fsys.root:
		return d.fsys.cfg.Prefix
	case n.parent == nil:
		return n.place
	case isDir:
		return keyLocked(n.parent) + n.name + "/"
	}
	return keyLocked(n.parent) + n.name
}

// key is the key under which a node is now. It may be another one as soon as it
// is returned, unless the caller holds the node's operation lock.
func (n *fileNode) key() string {
	t := &n.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return keyLocked(n)
}

// key is the prefix of the keys in the directory.
func (d *dirNode) key() string {
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return keyLocked(d)
}

// in reports that a file is in a directory.
func (n *fileNode) in(d *dirNode) bool {
	t := &n.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return n.parent == d
}

// child returns the node of a name, or nil if this mount knows of none.
func (d *dirNode) child(name string) treeNode {
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return d.children[name]
}

// sighting is what this mount has under a name at some moment. What the store was
// asked afterwards is judged by it: if another one has taken its place meanwhile, the
// answer may be older than what this mount did.
type sighting struct {
	node     treeNode // nil if it knows of none
	removals uint64   // of names of the directory
	moves    uint64   // of any directories: its key may be another one since
	edition  uint64
}

func (d *dirNode) sight(name string) sighting {
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	return d.sightLocked(name)
}

func (d *dirNode) sightLocked(name string) sighting {
	s := sighting{node: d.children[name], removals: d.removals, moves: d.fsys.nodes.moves}
	if s.node != nil {
		s.edition = s.node.tree().edition.Load()
	}
	return s
}

// renew says that this mount has stored something of the node: answers of the store
// to what was asked before may be older. The cache knows of it already, and what says
// that something is to be stored (pending, storing, writing) still does: so whoever
// looks at the node and then into the cache has either, or finds another edition.
func (t *tree) renew(n treeNode) { n.tree().edition.Store(t.editions.Add(1)) }

// handOut says that the node is about to be returned to go-fuse for a name, and
// returns false if it does not have that name any more.
func (d *dirNode) handOut(name string, n treeNode) bool {
	t := &d.fsys.nodes
	t.mu.RLock()
	defer t.mu.RUnlock()
	if d.children[name] != n {
		return false
	}
	n.tree().handouts.Add(1)
	return true
}

// attach gives a new node a number and a name, and hands it out. What had the
// name before loses it. The new node must not be known to anybody yet.
func (d *dirNode) attach(name string, n treeNode, fileType uint32) *gofuse.Inode {
	t := &d.fsys.nodes
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.attachLocked(d, name, n, fileType)
}

func (t *tree) attachLocked(d *dirNode, name string, n treeNode, fileType uint32) *gofuse.Inode {
	if old := d.children[name]; old != nil {
		t.detachLocked(old)
	}
	b := n.tree()
	b.handouts.Add(1)
	t.nameLocked(d, name, n)
	t.joinLocked(d, n)
	attr := gofuse.StableAttr{
		Mode: fileType,
		Ino:  t.takeNumberLocked(keyLocked(n)),
		Gen:  t.generation.Add(1), // never twice, so go-fuse never takes two of our nodes for one
	}
	return d.fsys.root.NewInode(d.fsys.ctx, n, attr)
}

func (t *tree) nameLocked(d *dirNode, name string, n treeNode) {
	b := n.tree()
	b.parent, b.name = d, name
	if d.children == nil {
		d.children = map[string]treeNode{}
	}
	d.children[name] = n
	if f, ok := n.(*fileNode); ok && f.unstored.Load() {
		if d.unstored == nil {
			d.unstored = map[string]*fileNode{}
		}
		d.unstored[name] = f
	}
}

// stored says that a file which was new is in the store now, where listings show it.
func (t *tree) stored(n *fileNode) {
	if !n.unstored.Swap(false) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.parent != nil {
		delete(n.parent.unstored, n.name)
	}
}

// takeNumberLocked reserves the inode number of a key: the one of its hash, or
// the next of its series where a live node has that. Two keys may have one hash,
// and a renamed file keeps the number of its old name, to which another file may
// come: programs take files of one number for one file.
func (t *tree) takeNumberLocked(key string) uint64 {
	hash := keyHash(keyHashSeed, key)
	for attempt := 0; ; attempt++ {
		ino := inodeNumber(hash, attempt)
		if _, taken := t.numbers[ino]; !taken {
			t.numbers[ino] = struct{}{}
			return ino
		}
	}
}

// detach takes a node's name away: it was deleted or replaced.
func (t *tree) detach(n treeNode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detachLocked(n)
}

// named reports that a directory has a name, or is the root.
func (t *tree) named(d *dirNode) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return d.parent != nil || d == d.fsys.root
}

func (t *tree) detachLocked(n treeNode) {
	b := n.tree()
	d := b.parent
	if d == nil {
		return
	}
	b.place = keyLocked(n)
	t.unnameLocked(n)
}

// unnameLocked takes a node out of its directory.
func (t *tree) unnameLocked(n treeNode) {
	b := n.tree()
	delete(b.parent.children, b.name)
	delete(b.parent.unstored, b.name)
	b.parent.removals++
	b.parent = nil
}

// move gives a node another name. What had that name before loses it.
func (t *tree) move(n treeNode, d *dirNode, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := d.children[name]; old != nil && old != n {
		t.detachLocked(old)
	}
	if _, isDir := n.(*dirNode); isDir {
		t.moves++
	}
	b := n.tree()
	if b.parent != nil {
		t.unnameLocked(n)
	}
	t.nameLocked(d, name, n)
}

// forgotten is called when the kernel has let go of a node: it is dropped after
// a grace, unless somebody got hold of it before.
func (t *tree) forgotten(n treeNode) {
	b := n.tree()
	handouts := b.handouts.Load()
	t.grace.after(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if b.handouts.Load() == handouts {
			b.forgotten = true
			t.dropLocked(n)
		}
	})
}

// unneeded drops a node that the kernel let go of while we still needed it.
func (t *tree) unneeded(n treeNode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropLocked(n)
}

// dropLocked gives up a node that nobody holds, and its directory where that was
// kept for its sake.
func (t *tree) dropLocked(n treeNode) {
	b := n.tree()
	if !b.forgotten || b.dropped || n.needed() {
		return
	}
	if _, parent := b.Parent(); parent != nil {
		b.forgotten = false // somebody got hold of it in time
		return
	}
	d := b.parent
	b.dropped = true
	delete(t.numbers, b.StableAttr().Ino)
	t.detachLocked(n)
	if d != nil {
		t.dropLocked(d)
	}
}
