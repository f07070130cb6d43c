package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// rotating is a server that takes one access key, which changes, and a session
// token that goes with it.
type rotating struct {
	under http.Handler
	code  string // how it refuses others

	valid   atomic.Value // string: the access key; its token is "token-of-" and the key
	refused atomic.Int64
}

func newRotating(t *testing.T, store objstore.Store, code string) (*rotating, *httptest.Server) {
	r := &rotating{under: memhttp.New(store, bucket, memhttp.PersonalityOf(store.Profile())), code: code}
	r.valid.Store("KEY1")
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return r, srv
}

// ServeHTTP refuses as AWS does: with 400 where the session has expired, and
// without a word where the answer to a HEAD can have no body.
func (s *rotating) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := s.valid.Load().(string)
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if strings.HasPrefix(credential, key+"/") && r.Header.Get("X-Amz-Security-Token") == "token-of-"+key {
		s.under.ServeHTTP(w, r)
		return
	}
	s.refused.Add(1)
	status := http.StatusBadRequest
	if s.code == "InvalidAccessKeyId" {
		status = http.StatusForbidden
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>The provided token has expired.</Message></Error>", s.code)
	}
}

// process sets up credentials from a program, which tells the key in a file and
// counts how often it was asked.
func process(t *testing.T) (set func(key string), asked func() int) {
	t.Helper()
	withoutCredentials(t)
	dir := t.TempDir()
	key, log := filepath.Join(dir, "key"), filepath.Join(dir, "log")
	script := filepath.Join(dir, "credentials.sh")
	text := fmt.Sprintf(`#!/bin/sh
echo asked >> %q
k=$(cat %q)
echo "{\"Version\":1,\"AccessKeyId\":\"$k\",\"SecretAccessKey\":\"hush\",\"SessionToken\":\"token-of-$k\"}"
`, log, key)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("[profile rotating]\ncredential_process = %s\n", script)
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	set = func(k string) {
		if err := os.WriteFile(key, []byte(k), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return set, func() int {
		b, _ := os.ReadFile(log)
		return strings.Count(string(b), "asked")
	}
}

func patient(c *s3.Client) *retry.Store {
	return retry.New(c, retry.Config{For: time.Minute, Base: time.Millisecond, Cap: 10 * time.Millisecond})
}

// TestCredentialsThatAreRefusedAreAskedForAgain although nothing said that they
// would expire.
func TestCredentialsThatAreRefusedAreAskedForAgain(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "InvalidAccessKeyId", "InvalidToken"} {
		t.Run(code, func(t *testing.T) {
			set, asked := process(t)
			set("KEY1")
			p := profile(t, "aws")
			server, srv := newRotating(t, mem.New(p), code)
			c := dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{Profile: "rotating"} })
			store := patient(c)
			if _, err := store.Put(t.Context(), "k", body([]byte("1")), objstore.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			set("KEY2")
			server.valid.Store("KEY2")
			var wg sync.WaitGroup
			for i := range 16 { // parts of a file
				wg.Go(func() {
					if _, err := store.Put(t.Context(), fmt.Sprint("k", i), body([]byte("2")), objstore.PutOptions{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := asked(); n != 2 {
				t.Errorf("the program was asked %d times, want once for each key", n)
			}
		})
	}
}

// TestCredentialsThatAreRefusedWithoutAWord holds for HEADs, whose answers cannot
// say why.
func TestCredentialsThatAreRefusedWithoutAWord(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "InvalidAccessKeyId"} {
		set, asked := process(t)
		set("KEY1")
		p := profile(t, "aws")
		server, srv := newRotating(t, mem.New(p), code)
		store := patient(dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{Profile: "rotating"} }))
		if _, err := store.Put(t.Context(), "k", body(nil), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		set("KEY2")
		server.valid.Store("KEY2")
		if _, err := store.Head(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		// Now the refusals are about something else, and there are others every time.
		server.valid.Store("NOBODY")
		for i := range 5 {
			set(fmt.Sprint("OTHER", i))
			if _, err := store.Head(t.Context(), "k"); err == nil || errors.Is(err, objstore.ErrExpired) {
				t.Errorf("%s: %v", code, err)
			}
		}
		if n := asked(); n > 3 {
			t.Errorf("%s: the program was asked %d times for HEADs that are refused for another reason", code, n)
		}
	}
}

// TestCredentialsOfAFileThatChanges are read again.
func TestCredentialsOfAFileThatChanges(t *testing.T) {
	withoutCredentials(t)
	write := func(key string) {
		text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = hush\naws_session_token = token-of-%s\n", key, key)
		if err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("KEY1")
	p := profile(t, "aws")
	server, srv := newRotating(t, mem.New(p), "ExpiredToken")
	store := patient(dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{} }))
	if _, err := store.Put(t.Context(), "k", body(nil), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	server.valid.Store("KEY2")
	write("KEY2")
	if _, err := store.Put(t.Context(), "k", body(nil), objstore.PutOptions{}); err != nil {
		t.Error(err)
	}
}

// TestWebIdentity gets credentials of a token service on this machine, which gives
// others every time.
func TestWebIdentity(t *testing.T) {
	withoutCredentials(t)
	p := profile(t, "aws")
	server, srv := newRotating(t, mem.New(p), "ExpiredToken")
	var issued atomic.Int64
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(text), "AssumeRoleWithWebIdentity") || !strings.Contains(string(text), "the-web-token") {
			t.Errorf("the token service was asked %q, %v", text, err)
		}
		key := fmt.Sprint("KEY", issued.Add(1))
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>token-of-%s</SessionToken>
<Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			key, key, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(sts.Close)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the-web-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	store := patient(dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{} }))
	for _, key := range []string{"KEY1", "KEY2", "KEY3"} {
		server.valid.Store(key)
		if _, err := store.Put(t.Context(), "k", body([]byte(key)), objstore.PutOptions{}); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if n := issued.Load(); n != 3 {
		t.Errorf("%d sets of credentials were issued, want 3", n)
	}
}

// TestCredentialsThatAreWrongAreNotTriedForEver holds for a refusal that no other
// credentials answer.
func TestCredentialsThatAreWrongAreNotTriedForEver(t *testing.T) {
	set, _ := process(t)
	set("WRONG")
	p := profile(t, "aws")
	server, srv := newRotating(t, mem.New(p), "InvalidAccessKeyId")
	store := patient(dial(t, srv, p, func(cfg *s3.Config) { cfg.Credentials = s3.Credentials{Profile: "rotating"} }))
	_, err := store.Put(t.Context(), "k", body(nil), objstore.PutOptions{})
	if !errors.Is(err, objstore.ErrAccessDenied) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "token-of") {
		t.Errorf("%v", err)
	}
	if n := server.refused.Load(); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}
