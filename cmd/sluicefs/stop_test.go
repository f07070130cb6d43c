package main

import (
	"os"
	"syscall"
	"testing"
)

func TestSignals(t *testing.T) {
	hangups := make(chan struct{}, 1)
	s := watchSignals(t.Context(), func() { hangups <- struct{}{} })
	send := func(sig syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGHUP)
	<-hangups
	if s.asked.Err() != nil {
		t.Error("SIGHUP asks to end")
	}
	send(syscall.SIGTERM)
	<-s.asked.Done()
	if s.forced.Err() != nil {
		t.Error("the first signal ends at once")
	}
	send(syscall.SIGINT)
	<-s.forced.Done()
	s.close()
}
