package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/meter"
	"github.com/sluicefs/sluicefs/uploader"
)

// watched is a mount that others can look at, without a kernel that serves it.
type watched struct {
	*mounted
	state string
	up    *uploader.Uploader
	log   bytes.Buffer
}

func newWatched(t *testing.T, metricsAddr string) *watched {
	t.Helper()
	p, _ := objstore.ProfileByName("aws")
	attempts := meter.New(mem.New(p))
	up, err := uploader.New(context.Background(), attempts, uploader.Config{Memory: 64 << 20, Threshold: 1 << 20, SpillDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{state: filepath.Join(t.TempDir(), strings.Repeat("long/", 20)+"st[a]b"), up: up} // longer than a socket's path may be
	out := logrus.New()
	out.SetOutput(&w.log)
	w.mounted = &mounted{log: logrus.NewEntry(out), info: mountInfo{Mountpoint: "/mnt/data", Source: "s3://b", PID: os.Getpid(), Since: time.Now()}}
	if w.record, err = makeRecord(w.state, w.info); err != nil {
		t.Fatal(err)
	}
	store := &reached{Store: attempts, attempts: attempts, repeats: &atomic.Int64{}}
	store.repeats.Store(7)
	failures := func() ([]unstored, int) { return []unstored{{Key: "lost", Error: "denied"}}, 2 }
	if err := w.watch(&monitor{info: w.info, store: store, writes: up, unstored: failures}, metricsAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range append(w.closers, up.Close, w.record.close) {
			if err := c(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// write begins a file and stores another.
func (w *watched) write(t *testing.T) {
	t.Helper()
	done := w.up.Open("done", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
	if _, err := done.WriteAt(t.Context(), make([]byte, 1000), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := done.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := done.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := w.up.Open("big", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
	t.Cleanup(func() { f.Discard(uploader.ErrWriterKilled); _ = f.Close(context.Background()) })
	if _, err := f.WriteAt(t.Context(), make([]byte, 20<<20), 0); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for w.up.Stats().Parts < 2 {
		if time.Now().After(deadline) {
			t.Fatal("no parts were sent")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestStatus(t *testing.T) {
	w := newWatched(t, "")
	w.write(t)
	o := statusOptions{stateDir: w.state}
	mounts, err := o.ask(t.Context(), nil)
	if err != nil || len(mounts) != 1 {
		t.Fatalf("%+v, %v", mounts, err)
	}
	s := mounts[0]
	if len(s.Uploads) != 1 || s.Uploads[0].Key != "big" || s.Uploads[0].Size != 20<<20 || s.Uploads[0].Parts < 2 ||
		s.Uploads[0].Sent < 16<<20 || !s.Uploads[0].Dirty {
		t.Errorf("uploads %+v", s.Uploads)
	}
	if s.Totals.Objects != 1 || s.Totals.Retries != 7 || s.Totals.Sent < 16<<20+1000 || s.Totals.BufferLimit != 64<<20 || s.Totals.OpenFiles != 1 {
		t.Errorf("totals %+v", s.Totals)
	}
	if len(s.Errors) != 1 || s.Errors[0].Key != "lost" || s.MoreErrors != 2 || s.Mountpoint != "/mnt/data" {
		t.Errorf("%+v", s)
	}
	puts := int64(0)
	for _, c := range s.Requests {
		if c.Op == objstore.OpPut && c.Status == "ok" {
			puts = c.Calls
		}
	}
	if puts != 1 {
		t.Errorf("requests %+v", s.Requests)
	}
	var text bytes.Buffer
	p := &program{stdout: &text}
	if err := p.show(o, mounts); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"s3://b on /mnt/data", "big: 20.0 MiB written, 16.0 MiB of them sent in 2 parts", "NOT STORED: lost: denied", "and 2 more", "7 requests repeated"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &text)
		}
	}
	dir := recordDir(w.state, "/mnt/data")
	if info, err := os.Stat(filepath.Join(dir, statusSocket)); err != nil || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestStatusWithoutMounts(t *testing.T) {
	var text bytes.Buffer
	p := &program{stdout: &text}
	o := statusOptions{stateDir: t.TempDir()}
	if err := p.status(t.Context(), o, nil); err != nil || !strings.Contains(text.String(), "nothing is mounted") {
		t.Errorf("%q, %v", &text, err)
	}
	if err := p.status(t.Context(), o, []string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "nothing is mounted on") {
		t.Errorf("%v", err)
	}
	text.Reset()
	o.json = true
	if err := p.status(t.Context(), o, nil); err != nil || strings.TrimSpace(text.String()) != "[]" {
		t.Errorf("%q, %v", &text, err)
	}
}

// TestStatusOfAHungDaemon has one of two daemons that does not answer.
func TestStatusOfAHungDaemon(t *testing.T) {
	w := newWatched(t, "")
	hung, err := makeRecord(w.state, mountInfo{Mountpoint: "/mnt/hung", PID: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer hung.close()
	silent, err := listenStatus(hung.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	o := statusOptions{stateDir: w.state}
	mounts, err := o.ask(ctx, nil)
	if len(mounts) != 1 || mounts[0].Mountpoint != "/mnt/data" || !mounts[0].Alive {
		t.Errorf("the other mount is %+v", mounts)
	}
	if want := "the daemon of /mnt/hung (process 7) does not answer"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestStatusFindsItsStateDirectory(t *testing.T) {
	o := newWatched(t, "").state // has "[" and "]" in it
	status, stdout, stderr := call(t, "status", "--state-dir", o)
	if status != exitOK || !strings.Contains(stdout, "s3://b on /mnt/data") || stderr != "" {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
	none := filepath.Join(t.TempDir(), "none")
	status, stdout, stderr = call(t, "status", "--state-dir", none)
	wantLine(t, exitFailed, status, stdout, stderr, none+": no such file")
	t.Setenv("XDG_STATE_HOME", none) // by default, there need not be one
	if status, stdout, stderr = call(t, "status"); status != exitOK || !strings.Contains(stdout, "nothing is mounted") {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
}

// TestStatusIsPlain has names that would forge lines, or hide some.
func TestStatusIsPlain(t *testing.T) {
	forged := "a\n  NOT STORED: b: no"
	s := status{Alive: true, mountInfo: mountInfo{Source: "s3://b", Mountpoint: "/mnt/\x1b[2J"},
		Uploads: []uploading{{Key: forged, Dirty: true}, {Key: forged, Error: forged}, {Key: "käse"}}, Errors: []unstored{{Key: "\xff", Error: forged}}}
	var text bytes.Buffer
	if err := s.print(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Count(text.String(), "\n") != 7 || strings.Contains(text.String(), "\x1b") || !utf8.Valid(text.Bytes()) {
		t.Errorf("printed as %q", &text)
	}
	for _, want := range []string{`on "/mnt/\x1b[2J", since`, `"a\n  NOT STORED: b: no": 0 B written`, "  käse: 0 B, stored", `NOT STORED: "\xff": "a\n`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &text)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := newWatched(t, ":0")
	w.write(t)
	_, rest, _ := strings.Cut(w.log.String(), `address="`)
	addr, _, ok := strings.Cut(rest, `"`)
	if !ok || !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Fatalf("the log says %q", w.log.String())
	}
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`sluicefs_commits_total{source="s3://b"} 1`,
		`sluicefs_retries_total{source="s3://b"} 7`,
		`sluicefs_open_files{source="s3://b"} 1`,
		`sluicefs_requests_total{op="Put",source="s3://b",status="ok"} 1`,
		`sluicefs_buffer_limit_bytes{source="s3://b"} 6.7108864e+07`,
		"sluicefs_sent_bytes_total", "sluicefs_received_bytes_total", "sluicefs_parts_in_flight", "sluicefs_buffered_bytes",
		"sluicefs_aborted_uploads_total", "sluicefs_failed_files_total", "sluicefs_spilled_bytes", "sluicefs_lent_bytes", "sluicefs_request_seconds_total",
		"process_resident_memory_bytes", "go_goroutines",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing", want)
		}
	}
	for addr, want := range map[string]string{"nonsense": "want HOST:PORT", addr: "in use"} {
		if l, err := listenMetrics(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", addr, err)
			if l != nil {
				l.Close()
			}
		}
	}
}

func TestReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 20 << 20: "20.0 MiB", 3 << 40: "3.0 TiB", 1 << 52: "4096.0 TiB"} {
		if got := readable(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
