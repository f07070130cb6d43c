package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// maxBadDigests bounds how often a body is sent again because it arrived changed:
// a line that spoils this many in a row is not the cause, and time will not heal it.
const maxBadDigests = 5

// Store repeats calls to the store underneath. All methods may be called from
// any number of goroutines.
type Store struct {
	under objstore.Store
	cfg   Config

	bodies   *lane
	commits  *lane
	metadata *lane

	pace pace // of bodies that are read
}

var _ objstore.Store = (*Store)(nil)

// New returns a decorator of a store. The lanes are shared by all who call it,
// so a mount has one.
func New(under objstore.Store, cfg Config) *Store {
	cfg = cfg.withDefaults(under.Profile().MaxParallel)
	return &Store{
		under:    under,
		cfg:      cfg,
		bodies:   newLane(cfg.Parallel),
		commits:  newLane(cfg.Commits),
		metadata: newLane(cfg.Metadata),
	}
}

// Widths tells how many attempts each lane lets through at present: fewer than
// configured while the store throttles.
func (s *Store) Widths() (bodies, commits, metadata int) {
	return s.bodies.widthNow(), s.commits.widthNow(), s.metadata.widthNow()
}

// call is one call and what its attempts have in common.
type call struct {
	op    string
	key   string
	lane  *lane
	limit time.Duration // of one attempt
}

func (s *Store) meta(op, key string) call {
	return call{op, key, s.metadata, s.cfg.Attempt}
}

func (s *Store) commit(op, key string) call {
	return call{op, key, s.commits, s.cfg.Long}
}

func (s *Store) body(op, key string, size int64) call {
	return call{op, key, s.bodies, s.cfg.limit(size)}
}

// errSlow ends an attempt that takes too long.
var errSlow = errors.New("no answer in time")

// repeat makes attempts until one works, one fails for good, or time is up. The
// waits between them end with objstore.Last of the context.
func repeat[T any](ctx context.Context, s *Store, c call, attempt func(context.Context) (T, error)) (T, error) {
	l := s.newLoop(c)
	for {
		out, err := once(ctx, c, attempt)
		if err == nil {
			return out, nil
		}
		if err := l.after(objstore.Last(ctx), err); err != nil {
			var none T
			return none, err
		}
	}
}

// once makes one attempt in its lane and within its time.
func once[T any](ctx context.Context, c call, attempt func(context.Context) (T, error)) (T, error) {
	var none T
	p, err := c.lane.enter(objstore.Last(ctx))
	if err != nil {
		return none, &objstore.Error{Op: c.op, Key: c.key, Kind: err}
	}
	limited, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.limit, func() { cancel(errSlow) })
	out, err := attempt(limited)
	timer.Stop()
	err = c.timedOut(limited, err)
	cancel(nil)
	c.lane.leave(p, outcomeOf(err))
	if err != nil {
		return none, err
	}
	return out, nil
}

// timedOut turns the error of an attempt that its own limit ended into one that
// heals. Errors of the caller's context stay what they are.
func (c call) timedOut(limited context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(limited), errSlow) || !isContextError(err) {
		return err
	}
	return &objstore.Error{
		Op: c.op, Key: c.key, Kind: objstore.ErrUnavailable, Sent: true,
		Err: fmt.Errorf("%w: gave it %s", errSlow, c.limit),
	}
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return worked
	case errors.Is(err, objstore.ErrThrottled):
		return throttled
	}
	return silent
}
