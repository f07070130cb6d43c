package fs

import (
	"context"
	"strings"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// again copies an object that another client stored in place of one that was copied. The
// files were let go of by then: where this mount has stored something under the new name
// since, that stays, and the other client's object stays where it is, as if it had come
// after the rename.
func (m *dirMove) again(ctx context.Context, info objstore.Info, before twin) error {
	n := m.node(info.Key)
	if n != nil {
		if err := n.operation.enter(ctx); err != nil {
			return err
		}
		defer n.operation.leave()
	}
	m.forget(info.Key) // it is not deleted unless it is copied
	if n != nil && !n.stands(before.is()) && !n.stands(objectOf(info)) {
		m.stay(info.Key)
		return nil
	}
	m.fsys.cfg.Cache.Invalidate(info.Key) // it knows the one that was there
	if err := m.copy(ctx, info, n); err != nil {
		return err
	}
	if _, copied := m.twinOf(info.Key); !copied { // it is another one again, or gone
		m.stay(info.Key)
		return nil
	}
	m.fsys.cfg.Cache.Invalidate(m.newKey(info.Key))
	if n == nil {
		return nil
	}
	return m.tell(ctx, n)
}

// forget says that an object is not copied.
func (m *dirMove) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.copied, key)
}

// stay says that there may be an object under an old name when all is done.
func (m *dirMove) stay(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stays = append(m.stays, key)
}

// emptied tells the cache what is left below the old name.
func (m *dirMove) emptied() {
	c := m.fsys.cfg.Cache
	if len(m.stays) == 0 {
		c.RemoveDir(m.from)
		return
	}
	for _, key := range m.stays {
		c.Invalidate(key)
		for dir := range keypath.Ancestors(key) {
			if strings.HasPrefix(dir, m.from) {
				c.Invalidate(dir)
				c.InvalidateDir(dir)
			}
		}
	}
}
