//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// mountStatus is what sluicefs status --json prints of a mount, as far as it matters here.
type mountStatus struct {
	Mountpoint, Source string
	Alive              bool
	Uploads            []struct {
		Key        string
		Size, Sent int64
		Parts      int
		Dirty      bool
		Error      string
	}
	Totals struct {
		Sent    int64 `json:"sent_bytes"`
		Objects int64
		Retries int64
		Failed  int64
		Lent    int64 `json:"lent_bytes"`
	}
	Errors []struct{ Key, Error string }
}

// status asks the program.
func (m *realMount) status(args ...string) []mountStatus {
	m.Helper()
	var out []mountStatus
	code, text, errs := m.cli.run(append([]string{"status", "--json"}, args...)...)
	if code != 0 {
		m.Fatalf("status %q: %d, %s", args, code, errs)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		m.Fatalf("%v in %s", err, text)
	}
	return out
}

// TestStatusOfAMount looks at a mount from outside while it works, and while the
// store fails.
func TestStatusOfAMount(t *testing.T) {
	p := troubledPlace(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p.ok(err)
	metrics := l.Addr().String()
	p.ok(l.Close())
	m := p.begin("--metrics-addr", metrics, "--write-back=false") // the kernel would keep the bytes for a while
	m.write("small", "content")
	w := m.feed("sh", "-c", "cat > big")
	w.give(noise(streamed))
	m.eventually("parts are told of", func() bool {
		all := m.status()
		return len(all) == 1 && all[0].Alive && len(all[0].Uploads) == 1 && all[0].Uploads[0].Key == "big" && all[0].Uploads[0].Dirty && all[0].Uploads[0].Sent > 0
	})
	m.store.Add(fault.Rule{Op: objstore.OpComplete, Times: 1, Mode: fault.Fail, Kind: objstore.ErrAccessDenied, Status: 403, Code: "AccessDenied"})
	p.ok(w.in.Close())
	m.eventually("the failure is told of", func() bool {
		s := m.status(m.dir)[0]
		return len(s.Errors) == 1 && s.Errors[0].Key == "big" && s.Totals.Failed == 1 && s.Totals.Objects == 1
	})
	resp, err := http.Get("http://" + metrics + "/metrics")
	p.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	p.ok(err)
	for _, want := range []string{`sluicefs_requests_total{op="Complete",source="s3://troubled",status="403"} 1`, "sluicefs_failed_files_total{source=\"s3://troubled\"} 1"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in the metrics", want)
		}
	}

	// A user who watches, and has seen enough.
	var said lockedBuffer
	watch := m.cli.command("status", "--watch", m.dir)
	watch.Stdout, watch.Stderr = &said, &said
	ended := make(chan struct{})
	p.ok(startWithTest(watch, ended))
	m.eventually("it looks twice", func() bool {
		return strings.Count(said.String(), fmt.Sprintf("s3://troubled on %s", m.dir)) >= 2
	})
	p.ok(watch.Process.Signal(syscall.SIGINT))
	<-ended
	if code := watch.ProcessState.ExitCode(); code != 0 || !strings.Contains(said.String(), "NOT STORED: big: ") {
		t.Errorf("status --watch ended with %d and said\n%s", code, said.String())
	}
	m.write("big", "better") // so that everything is stored
	m.unmount()
	if status, _, errs := m.cli.run("status", m.dir); status != 1 || !strings.Contains(errs, "nothing is mounted") {
		t.Errorf("of a mount that has ended: %d, %q", status, errs)
	}
}
