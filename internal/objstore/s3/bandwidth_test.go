package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// TestBandwidthIsOfAllRequestsTogether sends and reads with several requests at
// once. The bound is on the time from below: a loaded machine is only slower.
func TestBandwidthIsOfAllRequestsTogether(t *testing.T) {
	const each, requests, rate = 128 << 10, 4, 2 << 20
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, func(cfg *s3.Config) { cfg.Bandwidth = s3.Bandwidth{Up: rate, Down: rate} })
	least := time.Second * (each*requests - 64<<10) / rate // less what may go ahead
	data := bytes.Repeat([]byte("x"), each)
	atOnce := func(what string, fn func(key string) error) {
		t.Helper()
		var wg sync.WaitGroup
		began := time.Now()
		for i := range requests {
			wg.Go(func() {
				if err := fn(string(rune('a' + i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took < least {
			t.Errorf("%s of %d KiB took %s, want %s at the least", what, each*requests>>10, took, least)
		}
	}
	atOnce("sending", func(key string) error {
		_, err := c.Put(t.Context(), key, body(data), objstore.PutOptions{})
		return err
	})
	atOnce("reading", func(key string) error {
		r, _, err := c.Get(t.Context(), key, objstore.GetOptions{})
		if err != nil {
			return err
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, data) {
			t.Errorf("%s: other bytes", key)
		}
		return err
	})
}

// TestEndOfARequestThatWaitsForBandwidth must come at once, although its share of
// the line would let it wait for an hour.
func TestEndOfARequestThatWaitsForBandwidth(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, func(cfg *s3.Config) { cfg.Bandwidth = s3.Bandwidth{Up: 2 << 10} })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.Put(ctx, "k", body(make([]byte, 8<<20)), objstore.PutOptions{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the context", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s", took)
	}
	if _, _, there := m.Object("k"); there {
		t.Error("the object was stored")
	}
}
