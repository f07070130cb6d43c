package mem

import (
	"context"
	"maps"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Tags implements objstore.Store.
func (s *Store) Tags(ctx context.Context, key string) (tags map[string]string, err error) {
	c := s.begin(objstore.OpTags, key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	if o == nil {
		return nil, c.notFound()
	}
	return maps.Clone(o.properties.Tags), nil
}

// resolveTagsLocked makes tags of the name of the object that has them.
func (s *Store) resolveTagsLocked(o *objstore.ObjectOptions) {
	from := s.objects[o.TagsFrom]
	if o.Tags == nil && o.TagsFrom != "" && from != nil {
		o.Tags = from.properties.Tags
	}
	o.TagsFrom = ""
}
