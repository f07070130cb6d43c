package s3_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

func TestConfigThatCannotWork(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*s3.Config){
		"no bucket":      func(c *s3.Config) { c.Bucket = "" },
		"no URL":         func(c *s3.Config) { c.Endpoint = "http://%zz" },
		"no host":        func(c *s3.Config) { c.Endpoint = "https://" },
		"another scheme": func(c *s3.Config) { c.Endpoint = "ftp://host" },
		"keys in URL":    func(c *s3.Config) { c.Endpoint = "https://key:secret@host" },
		"no CA file":     func(c *s3.Config) { c.CAFile = filepath.Join(t.TempDir(), "nope") },
		"empty CA file":  func(c *s3.Config) { c.CAFile = empty },
	} {
		cfg := s3.Config{Endpoint: "localhost:1", Bucket: "b", Profile: profile(t, "aws"), Credentials: s3.Credentials{Anonymous: true}}
		change(&cfg)
		if _, err := s3.New(t.Context(), cfg); !errors.Is(err, objstore.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	cfg := s3.Config{Bucket: "b", Credentials: s3.Credentials{AccessKey: "AKIATEST", SecretKey: "hush-hush", Token: "hush-token"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, cfg); strings.Contains(s, "hush") || strings.Contains(s, "AKIATEST") {
			t.Errorf("%s prints %s", format, s)
		}
	}
}

func TestWhoMayAsk(t *testing.T) {
	p := profile(t, "aws")
	personality := memhttp.PersonalityOf(&p)
	personality.AccessKey = "right"
	srv := httptest.NewServer(memhttp.New(mem.New(p), bucket, personality))
	t.Cleanup(srv.Close)
	for _, c := range []struct {
		creds s3.Credentials
		want  error
	}{
		{s3.Credentials{AccessKey: "right", SecretKey: "x"}, nil},
		{s3.Credentials{AccessKey: "wrong", SecretKey: "hush-hush"}, objstore.ErrAccessDenied},
		{s3.Credentials{Anonymous: true}, objstore.ErrAccessDenied},
	} {
		client := dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = c.creds })
		_, err := client.List(t.Context(), objstore.ListOptions{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.creds, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// withoutCredentials makes the default chain find nothing.
func withoutCredentials(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	dir := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestNoCredentials(t *testing.T) {
	withoutCredentials(t)
	p := profile(t, "aws")
	c := dial(t, serve(t, mem.New(p)), p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{} })
	err := c.HeadBucket(t.Context())
	if !errors.Is(err, objstore.ErrAccessDenied) || errorOf(t, err).Sent || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("got %v", err)
	}
}

func TestSharedProfile(t *testing.T) {
	withoutCredentials(t)
	file := "[other]\naws_access_key_id = right\naws_secret_access_key = x\n"
	if err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	p := profile(t, "aws")
	personality := memhttp.PersonalityOf(&p)
	personality.AccessKey = "right"
	srv := httptest.NewServer(memhttp.New(mem.New(p), bucket, personality))
	t.Cleanup(srv.Close)
	c := dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{Profile: "other"} })
	if err := c.HeadBucket(t.Context()); err != nil {
		t.Error(err)
	}
	cfg := s3.Config{Bucket: bucket, Profile: p, Credentials: s3.Credentials{Profile: "missing"}}
	if _, err := s3.New(t.Context(), cfg); !errors.Is(err, objstore.ErrInvalid) {
		t.Errorf("a profile that is not there: %v", err)
	}
}

func TestTLS(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	srv := httptest.NewUnstartedServer(memhttp.New(m, bucket, memhttp.PersonalityOf(&p)))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of what is tried here
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	unknown := dial(t, srv, p, nil)
	err := unknown.HeadBucket(t.Context())
	if e := errorOf(t, err); !errors.Is(err, objstore.ErrInvalid) || e.Sent || objstore.Retryable(err) {
		t.Errorf("a certificate of nobody: %v, sent %v", err, e.Sent)
	}
	plain := dial(t, &httptest.Server{URL: strings.Replace(srv.URL, "https", "http", 1)}, p, nil)
	if err := plain.HeadBucket(t.Context()); err == nil {
		t.Error("http to a port of https worked")
	}
	for name, change := range map[string]func(*s3.Config){
		"CA file": func(c *s3.Config) { c.CAFile = ca },
		"any":     func(c *s3.Config) { c.NoVerifyTLS = true },
	} {
		c := dial(t, srv, p, change)
		data := make([]byte, 5<<20)
		data[4<<20] = 1
		if _, err := c.Put(t.Context(), "k", body(data), objstore.PutOptions{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, _, err := c.Get(t.Context(), "k", objstore.GetOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || string(got) != string(data) {
			t.Errorf("%s: read %d bytes, %v", name, len(got), err)
		}
	}
}

func TestTLSPortThatSpeaksHTTP(t *testing.T) {
	p := profile(t, "aws")
	srv := serve(t, mem.New(p))
	c := dial(t, &httptest.Server{URL: strings.Replace(srv.URL, "http", "https", 1)}, p, nil)
	err := c.HeadBucket(t.Context())
	if e := errorOf(t, err); !errors.Is(err, objstore.ErrInvalid) || e.Sent {
		t.Errorf("%v, sent %v", err, e.Sent)
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		server, region string
		status         int
		want           string
	}{
		{"MinIO", "us-east-1", 200, "minio"},
		{"minio/x", "", 404, "minio"},
		{"VERSITYGW", "us-east-1", 403, "versitygw"},
		{"AmazonS3", "us-east-1", 301, "aws"},
		{"nginx", "us-east-1", 200, "aws"},
		{"nginx", "", 200, "generic"},
		{"", "", 403, "generic"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.region != "" {
				w.Header().Set("x-amz-bucket-region", c.region)
			}
			w.Header().Set("Server", c.server)
			w.WriteHeader(c.status)
		}))
		t.Cleanup(srv.Close)
		cfg := s3.Config{Endpoint: srv.URL, Bucket: bucket, Credentials: s3.Credentials{Anonymous: true}}
		p, err := s3.Detect(t.Context(), cfg)
		if err != nil || p.Name != c.want {
			t.Errorf("%+v: %q, %v", c, p.Name, err)
		}
		if c.server == "nginx" && p.Style != objstore.PathStyle {
			t.Errorf("%+v: style %s", c, p.Style)
		}
	}
	cfg := s3.Config{Endpoint: "http://127.0.0.1:1", Bucket: bucket, Credentials: s3.Credentials{Anonymous: true}}
	if _, err := s3.Detect(t.Context(), cfg); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestBucketRegion(t *testing.T) {
	for header, want := range map[string]string{"eu-west-7": "eu-west-7", "": ""} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if header != "" {
				w.Header().Set("x-amz-bucket-region", header)
			}
			w.WriteHeader(301)
		}))
		t.Cleanup(srv.Close)
		cfg := s3.Config{Endpoint: srv.URL, Bucket: bucket, Profile: profile(t, "aws"), Style: objstore.PathStyle, Credentials: s3.Credentials{Anonymous: true}}
		if got, err := s3.BucketRegion(t.Context(), cfg); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}
