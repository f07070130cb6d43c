package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
)

// examined is a store that doctors ask.
type examined struct {
	mem *mem.Store
	srv *httptest.Server
}

// newExamined serves a store of a kind, with what is done to the requests.
func newExamined(t *testing.T, kind string, lie func(*memhttp.Personality), between func(http.Handler) http.Handler) *examined {
	t.Helper()
	p, ok := objstore.ProfileByName(kind)
	if !ok {
		t.Fatalf("no profile %s", kind)
	}
	e := &examined{mem: mem.New(p)}
	personality := memhttp.PersonalityOf(&p)
	if lie != nil {
		lie(&personality)
	}
	handler := http.Handler(memhttp.New(e.mem, "bucket", personality))
	if between != nil {
		handler = between(handler)
	}
	e.srv = httptest.NewServer(handler)
	t.Cleanup(e.srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return e
}

// ask runs the command, and returns its exit status and what it printed.
func (e *examined) ask(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, said bytes.Buffer
	program := &program{
		argv:   append([]string{"sluicefs", "doctor", "--endpoint", e.srv.URL}, args...),
		stdout: &out, stderr: &said, patience: 10 * time.Second,
	}
	status = program.run(ctx)
	return status, out.String(), said.String()
}

// nothingLeft fails the test if something is in the bucket.
func (e *examined) nothingLeft(t *testing.T) {
	t.Helper()
	if n := len(e.mem.Keys()) + e.mem.Uploads(); n != 0 {
		t.Errorf("%d keys and uploads are left", n)
	}
}

// doctor runs the command against a store of a kind.
func doctor(t *testing.T, kind string, lie func(*memhttp.Personality), args ...string) (status int, stdout, stderr string) {
	t.Helper()
	e := newExamined(t, kind, lie, nil)
	status, stdout, stderr = e.ask(t.Context(), args...)
	e.nothingLeft(t)
	return status, stdout, stderr
}

func TestDoctor(t *testing.T) {
	status, out, said := doctor(t, "minio", nil, "bucket/some/prefix")
	if status != exitOK || said != "" || !strings.Contains(out, "taken for minio") || !strings.Contains(out, "\nSafe to mount") {
		t.Errorf("%d %q\n%s", status, said, out)
	}
	if strings.Contains(out, "fits this store better") {
		t.Errorf("a store is not what its profile says:\n%s", out)
	}
	status, out, _ = doctor(t, "minio", func(p *memhttp.Personality) { p.DoneGuard = memhttp.Ignores }, "bucket")
	if status != exitUnsafe || !strings.Contains(out, "--provider minio --provider-option no-clobber-complete=head-first") {
		t.Errorf("a store that overwrites: %d\n%s", status, out)
	}
	status, out, _ = doctor(t, "minio", func(p *memhttp.Personality) { p.DoneGuard = memhttp.Ignores },
		"--provider-option", "no-clobber-complete=head-first", "bucket")
	if status != exitOK {
		t.Errorf("with the correction: %d\n%s", status, out)
	}
}

func TestDoctorJSON(t *testing.T) {
	status, out, said := doctor(t, "minio", func(p *memhttp.Personality) { p.Lies.TakesBadDigests = true }, "--json", "bucket")
	var report struct {
		Bucket, Endpoint, Provider string
		Safe                       bool
		Checks                     []struct{ Name, Verdict string }
		Options                    []string
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if status != exitUnsafe || said != "" || report.Safe || report.Bucket != "s3://bucket" || report.Provider != "minio" || len(report.Checks) < 10 {
		t.Errorf("%d %q %+v", status, said, report)
	}
}

// TestDoctorInterrupted interrupts it in the middle, and before it has begun.
func TestDoctorInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	e := newExamined(t, "minio", nil, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			store.ServeHTTP(w, r)
			if r.Method == http.MethodPut {
				interrupt()
			}
		})
	})
	for _, want := range []string{"interrupted; what was made is removed", "interrupted before anything was made"} {
		status, out, said := e.ask(ctx, "bucket")
		wantLine(t, exitFailed, status, out, said, want)
		e.nothingLeft(t)
	}
}

// TestDoctorSaysWhatWillNotWork asks a store that lets nothing be removed.
func TestDoctorSaysWhatWillNotWork(t *testing.T) {
	e := newExamined(t, "minio", nil, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete && !r.URL.Query().Has("uploadId") {
				http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
				return
			}
			store.ServeHTTP(w, r)
		})
	})
	status, out, said := e.ask(t.Context(), "bucket")
	if status != exitOK || said != "" || !strings.Contains(out, "\nWill not work:\n  delete: nothing can be removed or renamed: ") ||
		!strings.Contains(out, "(for want of s3:DeleteObject)\n") || !strings.Contains(out, "\nSafe to mount with these flags, but not all of it will work") {
		t.Errorf("%d %q\n%s", status, said, out)
	}
}

func TestDoctorMistakes(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"no-such-bucket"}, exitFailed, `there is no bucket "no-such-bucket"`},
		{nil, exitUsage, "BUCKET is missing"},
		{[]string{"a", "b"}, exitUsage, "too many arguments"},
		{[]string{"--provider", "oss", "--provider-option", "part-min=x", "bucket"}, exitUsage, "want a size"},
		{[]string{"--provider-option", "no-such=1", "bucket"}, exitUsage, `no property "no-such"`},
		{[]string{"--provider-option", "@" + filepath.Join(t.TempDir(), "none"), "bucket"}, exitUsage, "no such file"},
		{[]string{"--print-profile"}, exitUsage, "give its --provider"},
	} {
		status, out, said := doctor(t, "generic", nil, c.args...)
		if status != c.status || out != "" || !strings.Contains(said, c.want) {
			t.Errorf("%q: %d %q %q", c.args, status, out, said)
		}
	}
}

// TestPrintProfile prints a profile, and has it read back as it was.
func TestPrintProfile(t *testing.T) {
	status, out, said := doctor(t, "generic", nil, "--print-profile", "--provider", "cos", "--provider-option", "expect=on")
	if status != exitOK || said != "" || !strings.Contains(out, "provider = cos\n") || !strings.Contains(out, "\nexpect = on\n") || !strings.Contains(out, "\nlist-v2 = off\n") {
		t.Fatalf("%d %q\n%s", status, said, out)
	}
	file := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, again, _ := doctor(t, "generic", nil, "--print-profile", "--provider", "generic", "--provider-option", "@"+file); again != out {
		t.Errorf("read back as\n%s\nwant\n%s", again, out)
	}
	if _, detected, _ := doctor(t, "minio", nil, "--print-profile", "bucket"); !strings.HasPrefix(detected, "provider = minio\n") {
		t.Errorf("asked, it says %s", detected)
	}
}

// TestConfigOfAMountServesTheDoctor gives flags that are none of the doctor's business.
func TestConfigOfAMountServesTheDoctor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("memory = 1GiB\nprovider = minio\nallow-other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, said := doctor(t, "minio", nil, "--config", file, "bucket"); status != exitOK || !strings.Contains(out, "taken for minio") {
		t.Errorf("%d %q %s", status, said, out)
	}
}
