package retry_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

const alphabet = "abcdefghijklmnopqrstuvwxyz"

func (s stack) read(ctx context.Context, opts objstore.GetOptions) (string, error) {
	r, _, err := s.Get(ctx, "k", opts)
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestBodyGoesOnWhereItBroke(t *testing.T) {
	for _, opts := range []objstore.GetOptions{{}, {Offset: 3}, {Offset: 3, Length: 17}, {Offset: 20, Length: 100}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStack(t, retry.Config{})
			if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
				t.Fatal(err)
			}
			s.fault.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 5, Times: 2})
			want := alphabet[opts.Offset:]
			if opts.Length > 0 {
				want = want[:min(int64(len(want)), opts.Length)]
			}
			if got, err := s.read(t.Context(), opts); err != nil || got != want {
				t.Errorf("%+v: %q, %v; want %q", opts, got, err, want)
			}
		})
	}
}

func TestBodyOfAnotherVersionIsNotMixedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		s.fault.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 5, Times: 1})
		r, _, err := s.Get(t.Context(), "k", objstore.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := s.put(t, "k", "another", objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if string(data) != alphabet[:5] || !errors.Is(err, objstore.ErrPrecondition) {
			t.Errorf("%q, %v", data, err)
		}
	})
}

func TestBodyThatKeepsBreakingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{For: time.Minute})
		if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		s.fault.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 5, Times: 1})
		s.fault.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Drop})
		began := time.Now()
		got, err := s.read(t.Context(), objstore.GetOptions{})
		if got != alphabet[:5] || !errors.Is(err, objstore.ErrUnavailable) {
			t.Errorf("%q, %v", got, err)
		}
		if d := time.Since(began); d != time.Minute {
			t.Errorf("took %v", d)
		}
	})
}

// stalling is a store whose bodies give nothing until their context ends.
type stalling struct {
	*mem.Store
	times int
}

func (s *stalling) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	r, info, err := s.Store.Get(ctx, key, opts)
	if err == nil && s.times > 0 {
		s.times--
		return stalledBody{r, ctx}, info, nil
	}
	return r, info, err
}

type stalledBody struct {
	io.ReadCloser
	ctx context.Context
}

func (b stalledBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func TestBodyThatStallsIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := objstore.ProfileByName("aws")
		under := &stalling{mem.New(p), 1}
		s := retry.New(under, retry.Config{})
		if _, err := s.Put(t.Context(), "k", body(alphabet), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		r, _, err := s.Get(t.Context(), "k", objstore.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		began := time.Now()
		if data, err := io.ReadAll(r); err != nil || string(data) != alphabet {
			t.Errorf("%q, %v", data, err)
		}
		if d := time.Since(began); d != 30*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestBodyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := objstore.ProfileByName("aws")
		under := &stalling{mem.New(p), 1}
		s := retry.New(under, retry.Config{})
		if _, err := s.Put(t.Context(), "k", body(alphabet), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, _, err := s.Get(ctx, "k", objstore.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		time.AfterFunc(time.Second, cancel)
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSlowReaderIsNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{Parallel: 1})
		if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		r, _, err := s.Get(t.Context(), "k", objstore.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		first := make([]byte, 3)
		if _, err := io.ReadFull(r, first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // of the bubble's time
		if err := s.put(t, "other", "x", objstore.Condition{}); err != nil {
			t.Errorf("an open body kept the lane's only place: %v", err)
		}
		rest, err := io.ReadAll(r)
		if got := string(first) + string(rest); err != nil || got != alphabet {
			t.Errorf("%q, %v", got, err)
		}
		if n := s.fault.Calls(objstore.OpGet); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestOpeningThatHangsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, retry.Config{})
		if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		s.fault.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Hang, Times: 1})
		if got, err := s.read(t.Context(), objstore.GetOptions{}); err != nil || got != alphabet {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestReadAfterClose(t *testing.T) {
	s := newStack(t, retry.Config{})
	if err := s.put(t, "k", alphabet, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.Get(t.Context(), "k", objstore.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
