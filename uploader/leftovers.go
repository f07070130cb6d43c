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

// take takes all of them out.
func (l *leftovers) take() (ups []*upload, hidden []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ups, hidden = l.ups, l.hidden
	l.ups, l.hidden = nil, nil
	return ups, hidden
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

// tidyLeftovers removes what is left, as far as the store lets it. What it does not is tried
// again the next time, and all that follows where the store is out of reach.
func (u *Uploader) tidyLeftovers(ctx context.Context) {
	gone := false
	try := func(request func() error) bool {
		if gone || ctx.Err() != nil {
			return false
		}
		err := request()
		gone = errors.Is(err, objstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
		return err == nil
	}
	ups, hidden := u.leftovers.take()
	for _, up := range ups {
		if !try(func() error { return u.abort(ctx, up) }) {
			u.leftovers.add([]*upload{up})
			continue
		}
		u.stats.aborts.Add(1)
		u.log.WithField("key", up.key).WithField("upload", up.ref.ID).Info("upload is aborted after all")
	}
	for _, key := range hidden {
		if !try(func() error { return u.deleteHidden(ctx, key) }) {
			u.leftovers.add(nil, key)
			continue
		}
		u.log.WithField("key", key).Info("hidden object is removed after all")
	}
}

func (u *Uploader) deleteHidden(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, abortFor)
	defer cancel()
	if err := u.store.Delete(ctx, key); !errors.Is(err, objstore.ErrNotFound) {
		return err
	}
	return nil
}
