package mem

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) (err error) {
	c := s.begin(objstore.OpDelete, key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return err
	}
	if err := c.checkName(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(key)
	return nil
}

// DeleteMany implements objstore.Store.
func (s *Store) DeleteMany(ctx context.Context, keys []string) (failed map[string]error, err error) {
	c := s.begin(objstore.OpDeleteMany, "")
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return nil, err
	}
	if len(keys) > objstore.MaxPage {
		return nil, c.fail(objstore.ErrInvalid, 400, "MalformedXML", "More than 1000 keys in one request.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		if err := (call{s, c.op, key}).checkName(); err != nil {
			if failed == nil {
				failed = map[string]error{}
			}
			failed[key] = err
			continue
		}
		s.dropLocked(key)
	}
	return failed, nil
}

func (s *Store) dropLocked(key string) {
	if s.objects[key] == nil {
		return
	}
	delete(s.objects, key)
	delete(s.thawed, key)
	s.names.remove(key)
}
