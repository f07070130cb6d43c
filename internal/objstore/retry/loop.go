package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// loop is the memory of a call between its attempts.
type loop struct {
	s          *Store
	call       call
	began      time.Time
	attempts   int
	badDigests int
	sent       bool // an attempt may have taken effect
}

func (s *Store) newLoop(c call) *loop {
	return &loop{s: s, call: c, began: time.Now()}
}

// progress makes the time count from now on, and pauses be short again.
func (l *loop) progress() { l.began, l.attempts = time.Now(), 0 }

// after takes the failure of an attempt and waits until the next one is due.
// It returns what the caller shall see if there is to be none.
func (l *loop) after(ctx context.Context, err error) error {
	l.attempts++
	failed := err
	err = l.mark(err)
	elapsed := time.Since(l.began)
	switch {
	case !l.heals(err):
		return err
	case ctx.Err() != nil:
		return l.ended(ctx, err)
	}
	if elapsed >= l.s.cfg.For {
		return fmt.Errorf("gave up after %d attempts in %s: %w", l.attempts, elapsed.Round(time.Millisecond), err)
	}
	wait := min(l.pause(err), l.s.cfg.For-elapsed)
	l.tell(failed, wait)
	if err := sleep(ctx, wait); err != nil {
		return l.ended(ctx, failed)
	}
	return nil
}

// tell says that there will be another attempt.
func (l *loop) tell(err error, wait time.Duration) {
	if l.s.cfg.Observe != nil {
		l.s.cfg.Observe(Failure{Op: l.call.op, Key: l.call.key, Attempt: l.attempts, Err: err, Wait: wait})
	}
}

// mark remembers whether an attempt may have taken effect, and says so on the
// errors of those that follow.
func (l *loop) mark(err error) error {
	var e *objstore.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Sent {
		l.sent = true
		return err
	}
	if !l.sent {
		return err
	}
	marked := *e
	marked.Sent = true
	return &marked
}

// ended is the error of a call whose context ended between attempts. It quotes
// the failure and does not wrap it: the end of a context does not heal.
func (l *loop) ended(ctx context.Context, err error) error {
	return &objstore.Error{
		Op: l.call.op, Key: l.call.key, Kind: ctx.Err(), Sent: l.sent,
		Err: fmt.Errorf("the attempt before failed: %v", err),
	}
}

// heals tells whether another attempt may go better.
func (l *loop) heals(err error) bool {
	switch {
	case errors.Is(err, objstore.ErrBadDigest):
		// The digest of a whole object is not sent wrongly twice: its parts are there.
		l.badDigests++
		return l.call.op != objstore.OpComplete && l.badDigests < maxBadDigests
	case errors.Is(err, objstore.ErrConflict):
		// S3 asks for Put to be sent again and for an upload to be begun anew.
		return l.call.op == objstore.OpPut || l.call.op == objstore.OpCopy
	}
	return objstore.Retryable(err)
}

// pause is how long to wait before the next attempt.
func (l *loop) pause(err error) time.Duration {
	if l.attempts == 1 && errors.Is(err, objstore.ErrBroken) {
		return 0 // an idle connection that the store had closed
	}
	pause := l.s.cfg.Jitter(l.s.cfg.bound(l.attempts - 1))
	var e *objstore.Error
	if errors.As(err, &e) {
		pause = max(pause, e.RetryAfter)
	}
	return pause
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
