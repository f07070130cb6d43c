package fs

import "context"

// What is below a directory that is being renamed is copied object by object, so
// nothing of it may change meanwhile. Three things see to that:
//
//   - Who changes the entries of a directory (creates, removes, renames) stays in it
//     (tree.stay). A rename waits until nobody stays below its directory, and who comes
//     after that waits for its end.
//   - Who stores a file has its operation gate. The rename takes the gates of all
//     files below its directory that this mount knows of.
//   - A file of which the mount learns meanwhile gets its gate taken as it gets its
//     name (tree.joinLocked).
//
// The fields that this is kept in, dirNode.staying and dirNode.moving, are guarded by
// tree.mu.

// stay keeps directories from being renamed, and what they are in, until leave is
// called. It waits while they are.
func (t *tree) stay(ctx context.Context, dirs ...*dirNode) (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for m := movingLocked(dirs); m != nil; m = movingLocked(dirs) {
		t.mu.Unlock()
		select {
		case <-m.over:
		case <-ctx.Done():
			err = ctx.Err()
		}
		t.mu.Lock()
		if err != nil {
			return func() {}, err
		}
	}
	for _, d := range dirs {
		d.staying++
	}
	return func() { t.leave(dirs) }, nil
}

func (t *tree) leave(dirs []*dirNode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range dirs {
		d.staying--
	}
	if t.left != nil {
		close(t.left)
		t.left = nil
	}
}

// movingLocked returns a rename that one of the directories is part of, or nil.
func movingLocked(dirs []*dirNode) *dirMove {
	for _, d := range dirs {
		for ; d != nil; d = d.parent {
			if d.moving != nil {
				return d.moving
			}
		}
	}
	return nil
}

// begin makes m the rename of its directory, and waits until nobody stays below it.
// end must follow, also after an error.
func (m *dirMove) begin(ctx context.Context) error {
	t := &m.fsys.nodes
	t.mu.Lock()
	defer t.mu.Unlock()
	m.over = make(chan struct{})
	m.dir.moving = m
	for m.dir.stayedInLocked() {
		if t.left == nil {
			t.left = make(chan struct{})
		}
		left := t.left
		t.mu.Unlock()
		var err error
		select {
		case <-left:
		case <-ctx.Done():
			err = ctx.Err()
		}
		t.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// hold takes the gates of the files below the directory, oldest first, and of those
// that get a name there from now on.
func (m *dirMove) hold(ctx context.Context) error {
	t := &m.fsys.nodes
	t.mu.Lock()
	files := filesLocked(m.dir)
	m.joined = true
	t.mu.Unlock()
	for _, n := range files {
		if err := n.operation.enter(ctx); err != nil {
			return err
		}
		n.refresh()
		t.mu.Lock()
		m.held = append(m.held, n)
		t.mu.Unlock()
	}
	return nil
}

// end lets go of the directory and of the files.
func (m *dirMove) end() {
	t := &m.fsys.nodes
	t.mu.Lock()
	m.dir.moving, m.joined = nil, false
	held := m.held
	m.held = nil
	t.mu.Unlock()
	for _, n := range held {
		n.operation.leave()
	}
	close(m.over)
}

// stayedInLocked reports that somebody stays in the directory or below it.
func (d *dirNode) stayedInLocked() bool {
	if d.staying > 0 {
		return true
	}
	for _, n := range d.children {
		if sub, ok := n.(*dirNode); ok && sub.stayedInLocked() {
			return true
		}
	}
	return false
}

// joinLocked takes the gate of a new file for the rename that its directory is part
// of, if there is one.
func (t *tree) joinLocked(d *dirNode, n treeNode) {
	f, isFile := n.(*fileNode)
	if m := movingLocked([]*dirNode{d}); isFile && m != nil && m.joined && f.operation.tryEnter() {
		m.held = append(m.held, f)
	}
}
