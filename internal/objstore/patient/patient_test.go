package patient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var errOfStore = errors.New("what the store says")

func TestNothingIsAskedForNobody(t *testing.T) {
	p := &Patience{time.Hour, t.Context()}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errOfStore)
	_, err := Ask(ctx, p, func(context.Context) (int, error) {
		t.Error("it was asked for")
		return 0, nil
	})
	if !errors.Is(err, errOfStore) {
		t.Errorf("%v, want the cause", err)
	}
}

// TestAnAnswerIsWaitedFor ends the context of a request under way: it is told to try no more, and goes on
// until somebody is in a hurry, or its time is up.
func TestAnAnswerIsWaitedFor(t *testing.T) {
	for _, answer := range []time.Duration{time.Hour, time.Millisecond} {
		hurry, rush := context.WithCancel(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Ask(ctx, &Patience{answer, hurry}, func(ctx context.Context) (int, error) {
			cancel()
			<-objstore.Last(ctx).Done()
			if answer == time.Hour {
				if ctx.Err() != nil {
					t.Error("the request is cut off")
				}
				rush()
			}
			<-ctx.Done()
			return 0, errOfStore
		})
		if !errors.Is(err, errOfStore) {
			t.Errorf("%v", err)
		}
		rush()
	}
}

// TestBodies ends the context while a body is sent. One that did not go out whole has had no effect; of
// one that did, or that has nothing to send, nobody knows but the store.
func TestBodies(t *testing.T) {
	for _, c := range []struct {
		size, read int64
		want       error
	}{{0, 0, errOfStore}, {1000, 1000, errOfStore}, {1000, 999, context.Canceled}, {1000, 0, context.Canceled}} {
		ctx, cancel := context.WithCancel(t.Context())
		body := objstore.Body{Reader: bytes.NewReader(make([]byte, c.size)), Size: c.size}
		_, err := Send(ctx, &Patience{time.Hour, t.Context()}, body, func(_ context.Context, b objstore.Body) (int, error) {
			if _, err := io.CopyN(io.Discard, onlyReader{b.Reader}, c.read); err != nil {
				t.Error(err)
			}
			cancel()
			if n, err := b.Reader.Read(make([]byte, 1)); n != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("%d bytes go out for nobody, %v", n, err)
			}
			return 0, errOfStore
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%d of %d bytes: %v, want %v", c.read, c.size, err, c.want)
		}
	}
}

type onlyReader struct{ io.Reader }
