package fault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

func newStores(t *testing.T) (*mem.Store, *fault.Store) {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("no profile")
	}
	under := mem.New(p)
	return under, fault.New(under)
}

func body(s string) objstore.Body {
	return objstore.Body{Reader: bytes.NewReader([]byte(s)), Size: int64(len(s))}
}

func digested(s string) objstore.Body {
	b := body(s)
	b.Digest = objstore.SumOf(objstore.CRC64NVME, []byte(s))
	return b
}

func put(t *testing.T, s objstore.Store, key string, b objstore.Body) error {
	t.Helper()
	_, err := s.Put(t.Context(), key, b, objstore.PutOptions{})
	return err
}

func sent(err error) bool {
	var e *objstore.Error
	return errors.As(err, &e) && e.Sent
}

func TestModesOfPut(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    fault.Rule
		body    objstore.Body
		kind    error
		sent    bool
		arrived string // what the store has then; "" is no object
	}{
		{"fail by default", fault.Rule{Mode: fault.Fail}, body("abc"), objstore.ErrUnavailable, true, ""},
		{"fail by status", fault.Rule{Mode: fault.Fail, Status: 403}, body("abc"), objstore.ErrAccessDenied, false, ""},
		{"fail by code", fault.Rule{Mode: fault.Fail, Code: "SlowDown"}, body("abc"), objstore.ErrThrottled, false, ""},
		{"fail by kind", fault.Rule{Mode: fault.Fail, Kind: objstore.ErrNoSpace}, body("abc"), objstore.ErrNoSpace, false, ""},
		{"drop", fault.Rule{Mode: fault.Drop}, body("abc"), objstore.ErrBroken, true, ""},
		{"lose answer", fault.Rule{Mode: fault.LoseAnswer}, body("abc"), objstore.ErrBroken, true, "abc"},
		{"error in 200", fault.Rule{Mode: fault.ErrorIn200}, body("abc"), objstore.ErrUnavailable, true, ""},
		{"truncate unseen", fault.Rule{Mode: fault.Truncate, At: 2}, body("abc"), nil, false, "ab"},
		{"truncate seen", fault.Rule{Mode: fault.Truncate, At: -1}, digested("abc"), objstore.ErrBadDigest, false, ""},
		{"corrupt unseen", fault.Rule{Mode: fault.Corrupt, At: 1}, body("abc"), nil, false, "acc"},
		{"corrupt seen", fault.Rule{Mode: fault.Corrupt, At: -1}, digested("abc"), objstore.ErrBadDigest, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			under, s := newStores(t)
			rule := s.Add(c.rule)
			err := put(t, s, "k", c.body)
			if !errors.Is(err, c.kind) || sent(err) != c.sent {
				t.Errorf("error %v, sent %v; want %v, %v", err, sent(err), c.kind, c.sent)
			}
			if data, _, _ := under.Object("k"); string(data) != c.arrived {
				t.Errorf("the store has %q, want %q", data, c.arrived)
			}
			if rule.Hits() != 1 || s.Hits(objstore.OpPut) != 1 || s.Calls() != 1 {
				t.Errorf("hits %d, %d, calls %d", rule.Hits(), s.Hits(objstore.OpPut), s.Calls())
			}
		})
	}
}

func TestRuleIsForSomeCallsOnly(t *testing.T) {
	_, s := newStores(t)
	s.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "b", After: 1, Times: 2, Mode: fault.Fail})
	var got []bool
	for _, key := range []string{"a", "b1", "b2", "a", "b3", "b4"} {
		got = append(got, put(t, s, key, body("x")) == nil)
	}
	want := []bool{true, true, false, true, false, true}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("calls that worked: %v, want %v", got, want)
		}
	}
	if _, err := s.Head(t.Context(), "b1"); err != nil {
		t.Errorf("another operation was hit: %v", err)
	}
}

func TestRemoveAndClear(t *testing.T) {
	_, s := newStores(t)
	first := s.Add(fault.Rule{Mode: fault.Fail, Status: 403})
	s.Add(fault.Rule{Mode: fault.Fail, Status: 507})
	if err := put(t, s, "k", body("")); !errors.Is(err, objstore.ErrAccessDenied) {
		t.Errorf("the first rule did not decide: %v", err)
	}
	first.Remove()
	if err := put(t, s, "k", body("")); !errors.Is(err, objstore.ErrNoSpace) {
		t.Errorf("the second rule did not follow: %v", err)
	}
	s.Clear()
	if err := put(t, s, "k", body("")); err != nil {
		t.Errorf("a rule was left: %v", err)
	}
}

func TestGate(t *testing.T) {
	_, s := newStores(t)
	gate := fault.NewGate()
	s.Add(fault.Rule{Mode: fault.Delay, Gate: gate})
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := s.Put(t.Context(), "k", body("x"), objstore.PutOptions{})
			done <- err
		}()
		<-gate.Arrived()
	}
	select {
	case err := <-done:
		t.Fatalf("a call passed the shut gate: %v", err)
	default:
	}
	gate.Step()
	if err := <-done; err != nil {
		t.Error(err)
	}
	gate.Open()
	gate.Open()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWaitsEndWithTheContext(t *testing.T) {
	for _, mode := range []fault.Mode{fault.Hang, fault.Delay} {
		_, s := newStores(t)
		gate := fault.NewGate()
		s.Add(fault.Rule{Mode: mode, Gate: gate})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := s.Head(ctx, "k")
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || !sent(err) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestBodiesThatAreRead(t *testing.T) {
	_, s := newStores(t)
	if err := put(t, s, "k", body("abcdef")); err != nil {
		t.Fatal(err)
	}
	read := func(opts objstore.GetOptions) (string, error) {
		r, _, err := s.Get(t.Context(), "k", opts)
		if err != nil {
			return "", err
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		return string(data), err
	}
	s.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 2, Times: 1})
	if got, err := read(objstore.GetOptions{}); got != "ab" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated: %q, %v", got, err)
	}
	s.Clear()
	s.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Corrupt, At: -1, Times: 1})
	if got, err := read(objstore.GetOptions{Offset: 1, Length: 3}); got != "bce" || err != nil {
		t.Errorf("corrupted: %q, %v", got, err)
	}
	s.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.LoseAnswer, Times: 1})
	if got, err := read(objstore.GetOptions{}); !errors.Is(err, objstore.ErrBroken) {
		t.Errorf("lost: %q, %v", got, err)
	}
	if got, err := read(objstore.GetOptions{}); got != "abcdef" || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func TestLostAnswersOfAnUpload(t *testing.T) {
	under, s := newStores(t)
	id, err := s.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "k", ID: id}
	p, err := s.UploadPart(t.Context(), up, 1, body("abc"))
	if err != nil {
		t.Fatal(err)
	}
	s.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer, Times: 1})
	if _, err := s.Complete(t.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{}); !sent(err) {
		t.Errorf("lost answer: %v", err)
	}
	if _, err := s.Complete(t.Context(), up, []objstore.Part{p}, objstore.CompleteOptions{}); !errors.Is(err, objstore.ErrNoSuchUpload) {
		t.Errorf("again: %v", err)
	}
	if data, _, _ := under.Object("k"); string(data) != "abc" {
		t.Errorf("the store has %q", data)
	}
}

func TestDeleteManyIsHitByAnyKey(t *testing.T) {
	_, s := newStores(t)
	s.Add(fault.Rule{Op: objstore.OpDeleteMany, KeyContains: "b", Mode: fault.Drop})
	if _, err := s.DeleteMany(t.Context(), []string{"a", "b"}); !errors.Is(err, objstore.ErrBroken) {
		t.Error(err)
	}
	if _, err := s.DeleteMany(t.Context(), []string{"a", "c"}); err != nil {
		t.Error(err)
	}
}
