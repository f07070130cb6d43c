package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWithin(t *testing.T) {
	if got, err := within(t.Context(), func() (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	hangs := make(chan struct{})
	defer close(hangs)
	hang := func() (int, error) { <-hangs; return 7, nil }
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if got, err := within(interrupted, hang); got != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", got, err)
	}
	if err := endOf(interrupted); !strings.Contains(err.Error(), "interrupted") {
		t.Error(err)
	}
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if got, err := within(late, hang); got != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d, %v", got, err)
	}
	if err := endOf(late); !strings.Contains(err.Error(), "time was over") {
		t.Error(err)
	}
}

func TestConnected(t *testing.T) {
	if !connected(t.Context(), t.TempDir()) {
		t.Error("a directory that answers counts as dead")
	}
}
