package retry

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// DeleteMany implements objstore.Store. Keys that the store could not remove just
// then are asked for again, without the others.
func (s *Store) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	d := deletion{left: keys, failed: map[string]error{}}
	_, err := repeat(ctx, s, s.meta(objstore.OpDeleteMany, ""), func(ctx context.Context) (none, error) {
		return none{}, d.attempt(ctx, s.under)
	})
	if err != nil && len(d.heals) == 0 {
		return nil, err
	}
	for key, err := range d.heals { // time was up
		d.failed[key] = err
	}
	return d.failed, nil
}

// deletion is a DeleteMany under way.
type deletion struct {
	left   []string         // keys to ask for
	failed map[string]error // keys that were refused for good
	heals  map[string]error // of left, those that were refused the last time
}

// attempt asks for what is left. Its error is that of any key that is to be
// asked for again.
func (d *deletion) attempt(ctx context.Context, under objstore.Store) error {
	refused, err := under.DeleteMany(ctx, d.left)
	if err != nil {
		return err
	}
	d.left, d.heals = nil, map[string]error{}
	for key, err := range refused {
		if objstore.Retryable(err) {
			d.left = append(d.left, key)
			d.heals[key] = err
		} else {
			d.failed[key] = err
		}
	}
	for _, err := range d.heals {
		return err
	}
	return nil
}
