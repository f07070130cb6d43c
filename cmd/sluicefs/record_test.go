package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRecord(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	info := mountInfo{Mountpoint: "/mnt/data", Source: "s3://bucket", PID: 7}
	if r, err := openRecord(state, info.Mountpoint); r != nil || err != nil {
		t.Fatalf("a record before there is one: %v, %v", r, err)
	}
	daemon, err := makeRecord(state, info)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(daemon.dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v (%v), want 0700", st.Mode(), err)
	}
	if _, err := makeRecord(state, info); err == nil || !strings.Contains(err.Error(), "still storing") {
		t.Errorf("a second daemon at the same place: %v", err)
	}
	reader, err := openRecord(state, info.Mountpoint)
	if err != nil || reader == nil {
		t.Fatal(reader, err)
	}
	if !reader.alive() {
		t.Error("the daemon counts as gone")
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := reader.wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a living daemon ended with %v", err)
	}

	waited := make(chan error, 1)
	go func() { waited <- reader.wait(t.Context()) }()
	want := verdict{Mountpoint: "/mnt/data", Files: []unstored{{Key: "a", Error: "denied"}}}
	if err := errors.Join(daemon.finish(want), daemon.close()); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("waiting for the end of the daemon: %v", err)
	}
	if reader.alive() {
		t.Error("the daemon counts as alive")
	}
	if got, ok, err := reader.verdict(); err != nil || !ok || len(got.Files) != 1 || got.Files[0] != want.Files[0] {
		t.Errorf("the verdict is %+v, %v, %v", got, ok, err)
	}

	again, err := makeRecord(state, info)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := reader.verdict(); ok || err != nil {
		t.Errorf("the last mount's verdict is still there (%v)", err)
	}
	if err := again.remove(); err != nil {
		t.Error(err)
	}
	if r, err := openRecord(state, info.Mountpoint); r != nil || err != nil {
		t.Errorf("the record is still there: %v, %v", r, err)
	}
}

func TestRecordRefusesForeignFolder(t *testing.T) {
	state := t.TempDir()
	if err := os.Mkdir(filepath.Join(state, "mounts"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := makeRecord(state, mountInfo{Mountpoint: "/mnt"}); err == nil || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("a folder that others may write to: %v", err)
	}
}

// TestVerdictHasRoom holds the verdict to the room that was taken at the beginning: the
// disk may be full at the end.
func TestVerdictHasRoom(t *testing.T) {
	r, err := makeRecord(t.TempDir(), mountInfo{Mountpoint: "/mnt"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	kept, err := os.Stat(r.next(verdictFile))
	if err != nil || kept.Size() != verdictRoom {
		t.Fatalf("the room is %v (%v)", kept, err)
	}
	files := make([]unstored, 100)
	for i := range files {
		files[i] = unstored{Key: strings.Repeat("k", 100), Error: "denied"}
	}
	if err := r.finish(verdict{Mountpoint: "/mnt", Files: files}); err != nil {
		t.Fatal(err)
	}
	written, err := os.Stat(filepath.Join(r.dir, verdictFile))
	if err != nil || !os.SameFile(kept, written) || written.Size() >= verdictRoom {
		t.Errorf("the verdict is %v (%v), not the file that was kept for it", written, err)
	}
	if v, ok, err := r.verdict(); err != nil || !ok || len(v.Files) != len(files) {
		t.Errorf("the verdict has %d files, %v, %v", len(v.Files), ok, err)
	}
}
