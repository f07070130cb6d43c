package uploader

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// leftovers are uploads and hidden objects that nobody needs, and that the store did not let
// go of in time. It is asked again now and then, and once more at the end.
type leftovers struct {
	mu     sync.Mutex
	ups    []*upload
	hidden []string
}

const (
	// tidyAgain is how long it is until the store is asked again.
	tidyAgain = time.Minute
	// maxLeftovers bounds what is remembered of each kind: with the longest keys that is 2 MiB.
	maxLeftovers = 1000
)

func (l *leftovers) add(ups []*upload, hidden ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, up := range ups[:min(len(ups), maxLeftovers-len(l.ups))] {
		l.ups = append(l.ups, &upload{key: up.key, ref: up.ref}) // without its parts
	}
	l.hidden = append(l.hidden, hidden[:min(len(hidden), maxLeftovers-len(l.hidden))]...)
}

// next takes one out.
func (l *leftovers) next() (up *upload, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.ups); n > 0 {
		up, l.ups = l.ups[n-1], l.ups[:n-1]
	} else if n := len(l.hidden); n > 0 {
		key, l.hidden = l.hidden[n-1], l.hidden[:n-1]
	}
	return up, key
}

// DeleteLater deletes a hidden object that the store could not be brought to delete.
func (u *Uploader) DeleteLater(key string) { u.leftovers.add(nil, key) }

// tidyUp asks the store again until the uploader ends.
func (u *Uploader) tidyUp() {
	tick := time.NewTicker(tidyAgain)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.tidyLeftovers(u.hurry)
		case <-u.hurry.Done():
			return
		}
	}
}

// tidyLeftovers removes what is left, as far as the store lets it.
func (u *Uploader) tidyLeftovers(ctx context.Context) {
	for ctx.Err() == nil {
		up, key := u.leftovers.next()
		switch {
		case up != nil:
			if err := u.abort(ctx, up); err != nil {
				u.leftovers.add([]*upload{up})
				return
			}
			u.stats.aborts.Add(1)
			u.log.WithField("key", up.key).WithField("upload", up.ref.ID).Info("upload is aborted after all")
		case key != "":
			limited, cancel := context.WithTimeout(ctx, abortFor)
			err := u.store.Delete(limited, key)
			cancel()
			if err != nil && !errors.Is(err, objstore.ErrNotFound) {
				u.leftovers.add(nil, key)
				return
			}
			u.log.WithField("key", key).Info("hidden object is removed after all")
		default:
			return
		}
	}
}
