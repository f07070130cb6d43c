package retry_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// stack is retry over fault over mem.
type stack struct {
	*retry.Store
	fault *fault.Store
	mem   *mem.Store
}

func newStack(t *testing.T, cfg retry.Config) stack {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("no profile")
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func(bound time.Duration) time.Duration { return bound }
	}
	m := mem.New(p)
	f := fault.New(m)
	return stack{retry.New(f, cfg), f, m}
}

func body(s string) objstore.Body {
	return objstore.Body{
		Reader: bytes.NewReader([]byte(s)), Size: int64(len(s)),
		Digest: objstore.SumOf(objstore.CRC64NVME, []byte(s)),
	}
}

func (s stack) put(t *testing.T, key, data string, cond objstore.Condition) error {
	t.Helper()
	_, err := s.Put(t.Context(), key, body(data), objstore.PutOptions{Condition: cond})
	return err
}

func sent(err error) bool {
	var e *objstore.Error
	return errors.As(err, &e) && e.Sent
}

func TestHeals(t *testing.T) {
	for _, rule := range []fault.Rule{
		{Mode: fault.Fail, Status: 500},
		{Mode: fault.Fail, Status: 503},
		{Mode: fault.Fail, Status: 429},
		{Mode: fault.Fail, Kind: objstore.ErrExpired},
		{Mode: fault.Fail, Kind: objstore.ErrConflict},
		{Mode: fault.Drop},
		{Mode: fault.LoseAnswer},
		{Mode: fault.ErrorIn200},
		{Mode: fault.Corrupt},
		{Mode: fault.Truncate},
		{Mode: fault.Hang},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStack(t, retry.Config{})
			rule.Times = 3
			s.fault.Add(rule)
			if err := s.put(t, "k", "abc", objstore.Condition{}); err != nil {
				t.Errorf("%+v: %v", rule, err)
			}
			if n := s.fault.Calls(objstore.OpPut); n != 4 {
				t.Errorf("%+v: %d attempts, want 4", rule, n)
			}
			if data, _, _ := s.mem.Object("k"); string(data) != "abc" {
				t.Errorf("%+v: stored %q", rule, data)
			}
		})
	}
}

func TestFailsForGoodAtOnce(t *testing.T) {
	for _, kind := range []error{
		objstore.ErrNotFound, objstore.ErrNoSuchUpload, objstore.ErrNoSuchBucket, objstore.ErrAccessDenied,
		objstore.ErrPrecondition, objstore.ErrRange, objstore.ErrTooLarge, objstore.ErrKeyTooLong,
		objstore.ErrInvalid, objstore.ErrInvalidPart, objstore.ErrUnsupported, objstore.ErrNoSpace,
		objstore.ErrArchived, objstore.ErrInternal,
	} {
		s := newStack(t, retry.Config{})
		s.fault.Add(fault.Rule{Mode: fault.Fail, Kind: kind})
		if err := s.put(t, "k", "", objstore.Condition{}); !errors.Is(err, kind) || sent(err) {
			t.Errorf("%v: got %v", kind, err)
		}
		if n := s.fault.Calls(); n != 1 {
			t.Errorf("%v: %d attempts", kind, n)
		}
	}
}

func TestBacksOffUpToTheCapAndGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		s := newStack(t, retry.Config{
			For: 10 * time.Second, Base: time.Second, Cap: 3 * time.Second,
			Observe: func(f retry.Failure) { waits = append(waits, f.Wait) },
		})
		s.fault.Add(fault.Rule{Mode: fault.Fail, Status: 500})
		began := time.Now()
		err := s.put(t, "k", "", objstore.Condition{})
		if !errors.Is(err, objstore.ErrUnavailable) || !strings.Contains(err.Error(), "gave up after 6 attempts in 10s") {
			t.Errorf("error %v", err)
		}
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("took %v", d)
		}
		want := []time.Duration{1e9, 2e9, 3e9, 3e9, 1e9}
		if len(waits) != len(want) {
			t.Fatalf("waits %v, want %v", waits, want)
		}
		for i := range want {
			if waits[i] != want[i] {
				t.Fatalf("waits %v, want %v", waits, want)
			}
		}
	})
}

func TestHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		s.fault.Add(fault.Rule{Mode: fault.Fail, Status: 503, RetryAfter: 7 * time.Second, Times: 1})
		began := time.Now()
		if err := s.put(t, "k", "", objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != 7*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestStaleConnectionIsRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{Base: time.Second})
		s.fault.Add(fault.Rule{Mode: fault.Drop, Times: 2})
		began := time.Now()
		if err := s.put(t, "k", "", objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("took %v: the first break is free, the second costs 2 s", d)
		}
	})
}

func TestNothingIsRepeatedIfNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{For: -1, Observe: func(f retry.Failure) { t.Errorf("%s is to be repeated", f.Op) }})
		for _, rule := range []fault.Rule{{Mode: fault.Fail, Status: 503}, {Mode: fault.Drop}} {
			s.fault.Add(rule)
			if err := s.put(t, "k", "abc", objstore.Condition{}); !errors.Is(err, objstore.ErrUnavailable) && !errors.Is(err, objstore.ErrThrottled) {
				t.Errorf("%+v: %v", rule, err)
			}
		}
		if n := s.fault.Calls(objstore.OpPut); n != 2 {
			t.Errorf("%d attempts at two calls", n)
		}
	})
}

func TestAttemptIsLimitedByItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{Base: time.Nanosecond, Rate: 10, Attempt: 30 * time.Second, Long: time.Hour})
		s.fault.Add(fault.Rule{Mode: fault.Hang, Op: objstore.OpPut, Times: 1})
		began := time.Now()
		if err := s.put(t, "k", strings.Repeat("x", 100), objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began).Round(time.Second); d != 40*time.Second {
			t.Errorf("the attempt ended after %v, want 30 s and 100 bytes at 10 a second", d)
		}
		s.fault.Add(fault.Rule{Mode: fault.Hang, Op: objstore.OpCopy, Times: 1})
		began = time.Now()
		if _, err := s.Copy(t.Context(), "l", objstore.CopySource{Key: "k"}, objstore.CopyOptions{}); !errors.Is(err, objstore.ErrUnavailable) || !sent(err) {
			t.Errorf("a copy that took longer than all attempts may: %v", err)
		}
		if d := time.Since(began).Round(time.Second); d != time.Hour {
			t.Errorf("the copy ended after %v", d)
		}
	})
}

func TestContextEndsPausesAndAttempts(t *testing.T) {
	for _, rule := range []fault.Rule{{Mode: fault.Fail, Status: 500}, {Mode: fault.Hang}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStack(t, retry.Config{Base: 20 * time.Second})
			s.fault.Add(rule)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			_, err := s.Put(ctx, "k", body("x"), objstore.PutOptions{})
			if !errors.Is(err, context.DeadlineExceeded) || !sent(err) || objstore.Retryable(err) {
				t.Errorf("%s: %v", rule.Mode, err)
			}
			if d := time.Since(began); d != time.Second {
				t.Errorf("%s: took %v", rule.Mode, d)
			}
		})
	}
}

func TestBadDigestIsNotRepeatedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		s.fault.Add(fault.Rule{Mode: fault.Corrupt})
		if err := s.put(t, "k", "abc", objstore.Condition{}); !errors.Is(err, objstore.ErrBadDigest) {
			t.Errorf("got %v", err)
		}
		if n := s.fault.Calls(); n != 5 {
			t.Errorf("%d attempts, want 5", n)
		}
	})
}

func TestLostAnswerOfGuardedPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		s.fault.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.LoseAnswer, Times: 1})
		err := s.put(t, "k", "abc", objstore.Condition{Absent: true})
		if !errors.Is(err, objstore.ErrPrecondition) || !sent(err) {
			t.Errorf("after a lost answer: %v, sent %v: nobody can know whose object it is", err, sent(err))
		}
		err = s.put(t, "k", "abc", objstore.Condition{Absent: true})
		if !errors.Is(err, objstore.ErrPrecondition) || sent(err) {
			t.Errorf("with every answer: %v, sent %v: it is another's", err, sent(err))
		}
	})
}

func TestLostAnswerOfComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		id, err := s.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		up := objstore.UploadRef{Key: "k", ID: id}
		p, err := s.UploadPart(t.Context(), up, 1, body("abc"))
		if err != nil {
			t.Fatal(err)
		}
		s.fault.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer, Times: 1})
		_, err = s.Complete(t.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{})
		if !errors.Is(err, objstore.ErrNoSuchUpload) || !sent(err) {
			t.Errorf("got %v, sent %v", err, sent(err))
		}
		if data, _, _ := s.mem.Object("k"); string(data) != "abc" {
			t.Errorf("stored %q", data)
		}
	})
}

func TestWrongDigestOfTheWholeIsNotSentAgain(t *testing.T) {
	s := newStack(t, retry.Config{})
	id, err := s.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "k", ID: id}
	p, err := s.UploadPart(t.Context(), up, 1, body("abc"))
	if err != nil {
		t.Fatal(err)
	}
	lie := objstore.SumOf(objstore.CRC64NVME, []byte("abd"))
	if _, err = s.Complete(t.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{Digest: lie}); !errors.Is(err, objstore.ErrBadDigest) {
		t.Errorf("got %v", err)
	}
	if n := s.fault.Calls(objstore.OpComplete); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// TestMetadataDoesNotQueueBehindBodies fills the lane of bodies and has a Head pass.
func TestMetadataDoesNotQueueBehindBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{Parallel: 2})
		gate := fault.NewGate()
		s.fault.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Delay, Gate: gate})
		done := make(chan error, 3)
		for range 3 {
			go func() { done <- s.put(t, "k", "abc", objstore.Condition{}) }()
		}
		synctest.Wait()
		if n := s.fault.Calls(objstore.OpPut); n != 2 {
			t.Errorf("%d attempts with bodies at once, want 2", n)
		}
		if _, err := s.Head(t.Context(), "k"); !errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("head: %v", err)
		}
		gate.Open()
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestThrottlingNarrowsItsLaneOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{Parallel: 16, Metadata: 16, Commits: 16})
		s.fault.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Code: "SlowDown", Times: 2})
		if err := s.put(t, "k", "abc", objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if b, c, m := s.Widths(); b != 4 || c != 16 || m != 16 {
			t.Errorf("widths %d, %d, %d", b, c, m)
		}
	})
}

func TestProfileCapsTheLanes(t *testing.T) {
	p, _ := objstore.ProfileByName("generic")
	p.MaxParallel = 3
	s := retry.New(mem.New(p), retry.Config{})
	if b, c, m := s.Widths(); b != 3 || c != 3 || m != 3 {
		t.Errorf("widths %d, %d, %d", b, c, m)
	}
}
