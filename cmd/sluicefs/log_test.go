package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogIsBounded writes much more than a log may have.
func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const most = 1000
	var log *logFile
	for i := range 500 {
		if i%50 == 0 { // as a mount that ends and begins
			var err error
			if log, err = openLogFile(path, most); err != nil {
				t.Fatal(err)
			}
			defer log.file.Close()
		}
		if _, err := fmt.Fprintf(log, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	last, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path + ".old")
	if err != nil {
		t.Fatal(err)
	}
	if len(last) > most || len(old) > most || len(old) < most*9/10 {
		t.Errorf("%d bytes are in the log and %d in the one before, of %d each", len(last), len(old), most)
	}
	lines := strings.Fields(strings.ReplaceAll(string(old)+string(last), "line ", ""))
	for i, line := range lines {
		if want := fmt.Sprint(500 - len(lines) + i); line != want {
			t.Fatalf("line %s is where line %s should be", line, want)
		}
	}
}

// TestLogOfOwnChoice has no bound: somebody else sees to that.
func TestLogOfOwnChoice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := (&mountOptions{log: logOptions{file: path}}).openLog(true)
	if err != nil {
		t.Fatal(err)
	}
	defer log.file.Close()
	if log.most != 0 || log.path != path {
		t.Errorf("%+v", log)
	}
}

func TestDefaultLogPath(t *testing.T) {
	for mountpoint, want := range map[string]string{"/mnt/data": "/s/log/mnt%2Fdata.log", "/mnt-data": "/s/log/mnt-data.log"} {
		if got := defaultLogPath("/s", mountpoint); got != want {
			t.Errorf("%s logs to %s, want %s", mountpoint, got, want)
		}
	}
	if path := defaultLogPath("/s", strings.Repeat("/ü", 500)); len(filepath.Base(path)) > 255-len(".old") {
		t.Errorf("%s is too long", path)
	}
}
