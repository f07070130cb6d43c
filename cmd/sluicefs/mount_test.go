package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testSecret = "hunter2-never-to-be-seen"

// call runs a command line in this process, on a machine that could mount, and
// returns its exit status and what it printed.
func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	device := filepath.Join(t.TempDir(), "fuse")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return callOn(t, host{root: true, device: device}, args...)
}

func callOn(t *testing.T, h host, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{argv: append([]string{"sluicefs"}, args...), stdout: &out, stderr: &errs, host: h, patience: 2 * time.Second}
	status = p.run(t.Context())
	if strings.Contains(out.String()+errs.String(), testSecret) {
		t.Errorf("%q shows the secret:\n%s%s", args, &out, &errs)
	}
	return status, out.String(), errs.String()
}

// wantLine checks that a call failed with one line that says what to do.
func wantLine(t *testing.T, wantStatus, status int, stdout, stderr, want string) {
	t.Helper()
	if status != wantStatus || stdout != "" {
		t.Errorf("the exit status is %d, want %d; printed: %q", status, wantStatus, stdout)
	}
	if !strings.HasPrefix(stderr, "sluicefs: ") || strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
		t.Errorf("not one line: %q", stderr)
	}
	if !strings.Contains(stderr, want) {
		t.Errorf("%q, want %q in it", stderr, want)
	}
}

// useKeys gives the process credentials, and nothing of the machine's own.
func useKeys(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": testSecret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
		"HTTP_PROXY": "", "http_proxy": "", "HTTPS_PROXY": "", "https_proxy": "",
	} {
		t.Setenv(name, value)
	}
}

func TestMistypedCommandLines(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"mout", "bucket", dir}, `did you mean "mount"?`},
		{[]string{"mout", "--region", "x", "bucket", dir}, `did you mean "mount"?`},
		{[]string{"frobnicate"}, "choose doctor, mount, status, umount, version"},
		{[]string{"frobnicate", "--help"}, "choose doctor, mount, status, umount, version"},
		{[]string{"help", "mout"}, `did you mean "mount"?`},
		{[]string{"--frobnicate"}, "unknown flag --frobnicate"},
		{[]string{"bucket", dir}, "sluicefs mount BUCKET MOUNTPOINT"},
		{[]string{"mount"}, "BUCKET is missing"},
		{[]string{"mount", "bucket"}, "MOUNTPOINT is missing"},
		{[]string{"mount", "bucket", ""}, "the mountpoint is empty"},
		{[]string{"mount", "bucket", dir, "more"}, `too many arguments, from "more" on`},
		{[]string{"mount", "--endpiont", "x", "bucket", dir}, "did you mean --endpoint?"},
		{[]string{"mount", "--warp", "x", "bucket", dir}, "unknown flag --warp"},
		{[]string{"mount", "--memory", "much", "bucket", dir}, "--memory much: want a size"},
		{[]string{"mount", "-o", "frob", "bucket", dir}, `unknown option "frob" in -o`},
		{[]string{"bucket", dir, "-o", "rw,frob"}, `unknown option "frob" in -o`},
		{[]string{"mount", "Bucket Name", dir}, "is not a bucket name"},
		{[]string{"mount", "--endpoint", "https://key:" + testSecret + "@host", "bucket", dir}, "must not carry"},
		{[]string{"umount"}, "MOUNTPOINT is missing"},
		{[]string{"umount", "--timeout", "soon", dir}, "--timeout soon: "},
		{[]string{"version", "of", "what"}, "too many arguments"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			status, stdout, stderr := call(t, c.args...)
			wantLine(t, exitUsage, status, stdout, stderr, c.want)
		})
	}
}

func TestMountpointThatCannotBe(t *testing.T) {
	useKeys(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "none"), "does not exist: make it with mkdir -p"},
		{file, "is not a directory"},
		{dir, "is not empty"},
	} {
		status, stdout, stderr := call(t, "mount", "bucket", c.path)
		wantLine(t, exitFailed, status, stdout, stderr, c.want)
	}
	status, stdout, stderr := call(t, "umount", dir)
	wantLine(t, exitFailed, status, stdout, stderr, "nothing is mounted on")
	status, stdout, stderr = call(t, "umount", "/proc")
	wantLine(t, exitFailed, status, stdout, stderr, "is a mount of type proc")
}

func TestMachineThatCannotMount(t *testing.T) {
	useKeys(t)
	dir, somewhere := t.TempDir(), t.TempDir()
	device := filepath.Join(somewhere, "fuse")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(somewhere, "fusermount3")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(somewhere, "fuse.conf")
	if err := os.WriteFile(conf, []byte("# user_allow_other\nmount_max = 1000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		host host
		args []string
		want string
	}{
		{"no device", host{root: true, device: filepath.Join(somewhere, "none")}, nil, "modprobe fuse"},
		{"no fusermount3", host{device: device, fusermount: []string{filepath.Join(somewhere, "none")}}, nil, "install the package fuse3"},
		{"others", host{device: device, fusermount: []string{program}, config: conf}, []string{"--allow-other"}, "user_allow_other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := callOn(t, c.host, append([]string{"mount", "bucket", dir}, c.args...)...)
			wantLine(t, exitFailed, status, stdout, stderr, c.want)
		})
	}
	if err := os.WriteFile(conf, []byte("user_allow_other # all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if h := (host{device: device, fusermount: []string{program}, config: conf}); h.check(true) != nil {
		t.Errorf("allowed by %s, and yet: %v", conf, h.check(true))
	}
}

// refusing is a store that answers everything with one status. HEAD has no body.
func refusing(t *testing.T, status int, code string, header ...string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answering(status, code, header...))
	t.Cleanup(s.Close)
	return s
}

func answering(status int, code string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		if r.Method != http.MethodHead && code != "" {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
		}
	}
}

// mountAt tries to mount from an endpoint, in the foreground, logging everything.
func mountAt(t *testing.T, endpoint string, flags ...string) (status int, stdout, stderr string) {
	t.Helper()
	args := append([]string{"mount", "-f", "--state-dir", t.TempDir(), "--endpoint", endpoint}, flags...)
	return call(t, append(args, "my-bucket", t.TempDir())...)
}

func TestStoreThatRefuses(t *testing.T) {
	useKeys(t)
	for _, c := range []struct {
		name   string
		status int
		code   string
		header []string
		want   string
	}{
		{"unknown key", 403, "InvalidAccessKeyId", nil, "does not know the access key"},
		{"unknown key of versitygw", 404, "XAdminUserNotFound", nil, "does not know the access key"},
		{"wrong secret", 403, "SignatureDoesNotMatch", nil, "the secret key is wrong"},
		{"denied", 403, "AccessDenied", nil, `denies access to bucket "my-bucket"`},
		{"clock", 403, "RequestTimeTooSkewed", nil, "the clock of this machine is wrong"},
		{"old token", 400, "ExpiredToken", nil, "get new credentials"},
		{"no bucket", 404, "NoSuchBucket", nil, `there is no bucket "my-bucket"`},
		{"region", 301, "PermanentRedirect", []string{"x-amz-bucket-region", "eu-west-1"}, "--region (the bucket is in region eu-west-1)"},
		{"trouble", 503, "SlowDown", []string{"Retry-After", "1"}, "try again later"},
		{"tea", 418, "Teapot", nil, "cannot use s3://my-bucket at http://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := mountAt(t, refusing(t, c.status, c.code, c.header...).URL, "--log-level", "error")
			wantLine(t, exitFailed, status, stdout, stderr, c.want)
		})
	}
}

func TestStoreOutOfReach(t *testing.T) {
	useKeys(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(answering(404, "NoSuchBucket"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // refused certificates are what is tested
	secure.StartTLS()
	defer secure.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	pemBytes := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, pemBytes, 0o600); err != nil {
		t.Fatal(err)
	}
	plain := refusing(t, 404, "NoSuchBucket")
	for _, c := range []struct {
		name, endpoint string
		flags          []string
		want           string
	}{
		{"closed port", closed.URL, nil, "cannot connect to " + closed.URL},
		{"closed port, known provider", closed.URL, []string{"--provider", "minio"}, "cannot connect to " + closed.URL},
		{"silence", "http://" + silent.Addr().String(), nil, "no answer from http://"},
		{"unknown authority", secure.URL, nil, "--ca-file"},
		{"trusted authority", secure.URL, []string{"--ca-file", authority}, "there is no bucket"},
		{"any authority", secure.URL, []string{"--no-verify-ssl"}, "there is no bucket"},
		{"no such profile", secure.URL, []string{"--profile", "nobody"}, "nobody"},
		{"plain HTTP", strings.Replace(plain.URL, "http:", "https:", 1), nil, "does not speak TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := mountAt(t, c.endpoint, append(c.flags, "--log-level", "error")...)
			wantLine(t, exitFailed, status, stdout, stderr, c.want)
		})
	}
}

func TestNoCredentials(t *testing.T) {
	useKeys(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	store := refusing(t, 404, "NoSuchBucket")
	status, stdout, stderr := mountAt(t, store.URL)
	wantLine(t, exitFailed, status, stdout, stderr, "no credentials found")
	status, stdout, stderr = mountAt(t, store.URL, "--anonymous")
	wantLine(t, exitFailed, status, stdout, stderr, "there is no bucket")
}

// TestNoCredentialsOnAMachineInACloud asks a metadata service that refuses: the SDK has
// nothing to say about that.
func TestNoCredentialsOnAMachineInACloud(t *testing.T) {
	useKeys(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", refusing(t, 403, "Forbidden").URL)
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	defer func(f *os.File) { os.Stderr = f }(os.Stderr)
	os.Stderr = said
	status, stdout, stderr := mountAt(t, refusing(t, 404, "NoSuchBucket").URL)
	wantLine(t, exitFailed, status, stdout, stderr, "no credentials found")
	if text, err := os.ReadFile(said.Name()); err != nil || len(text) > 0 {
		t.Errorf("somebody else says %q (%v)", text, err)
	}
}

// TestSecretsStayHidden logs all there is to log while requests fail.
func TestSecretsStayHidden(t *testing.T) {
	useKeys(t)
	for _, format := range []string{"text", "json"} {
		status, _, stderr := mountAt(t, refusing(t, 503, "SlowDown").URL, "--log-level", "trace", "--log-format", format)
		if status != exitFailed || !strings.Contains(stderr, "repeating a request") {
			t.Errorf("exit status %d, and nothing is logged of what happened: %q", status, stderr)
		}
	}
}

// TestNotRepeated asks a store in trouble once.
func TestNotRepeated(t *testing.T) {
	useKeys(t)
	status, stdout, stderr := mountAt(t, refusing(t, 503, "SlowDown").URL, "--provider", "minio", "--retry-for", "0")
	wantLine(t, exitFailed, status, stdout, stderr, "try again later") // and no line of the log about a repetition
}

func TestLimitsOfTheStore(t *testing.T) {
	useKeys(t)
	store := refusing(t, 404, "NoSuchBucket")
	for _, flags := range [][]string{{"--part-size", "1MiB"}, {"--part-size", "6GiB"}} {
		status, stdout, stderr := mountAt(t, store.URL, flags...)
		wantLine(t, exitUsage, status, stdout, stderr, "takes parts from 5MiB to 5GiB")
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"Usage:", "mount ", "umount ", "version "}},
		{[]string{"--help"}, []string{"Examples:"}},
		{[]string{"mount", "--help"}, []string{"BUCKET[/PREFIX] MOUNTPOINT", "\nStore:\n", "--endpoint URL", "Exit status:", "SLUICEFS_NAME"}},
		{[]string{"help", "umount"}, []string{"--timeout duration", "Exit status:"}},
		{[]string{"version"}, []string{"sluicefs "}},
		{[]string{"--version"}, []string{"sluicefs "}},
	} {
		status, stdout, stderr := call(t, c.args...)
		if status != exitOK || stderr != "" {
			t.Errorf("%q: exit status %d, %q", c.args, status, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q does not print %q:\n%s", c.args, want, stdout)
			}
		}
	}
}
