package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// TestLastAttempt ends the context of Until in an attempt, and in a pause.
func TestLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		gate := fault.NewGate()
		s.fault.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate, Times: 1})
		last, end := context.WithCancel(t.Context())
		ctx := objstore.Until(t.Context(), last)
		put := func() error {
			_, err := s.Put(ctx, "k", body("abc"), objstore.PutOptions{})
			return err
		}
		go func() {
			<-gate.Arrived()
			end()
			gate.Open()
		}()
		if err := put(); err != nil {
			t.Errorf("the attempt under way: %v", err)
		}
		last, end = context.WithCancel(t.Context())
		ctx = objstore.Until(t.Context(), last)
		s.fault.Clear()
		s.fault.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Status: 500})
		time.AfterFunc(10*time.Second, end)
		began := time.Now()
		if err := put(); !errors.Is(err, context.Canceled) {
			t.Errorf("in a pause: %v", err)
		}
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("took %v", d)
		}
	})
}
