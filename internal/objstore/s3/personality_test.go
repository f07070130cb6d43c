package s3_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

// visit serves a store with a strict personality, under a host name of its vendor,
// and returns a client as the profile makes it.
func visit(t *testing.T, store objstore.Store, p objstore.Profile) *s3.Client {
	t.Helper()
	personality := memhttp.PersonalityOf(&p)
	return at(t, memhttp.New(store, bucket, personality), p, personality.Host)
}

// at serves a handler under a host name, by TLS if it is a vendor's.
func at(t *testing.T, h http.Handler, p objstore.Profile, host string) *s3.Client {
	t.Helper()
	site, err := memhttp.Open(h, cmp.Or(host, p.Name+".test"), host != "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := s3.Config{
		Endpoint: site.Endpoint, Bucket: bucket, Profile: p, Dial: site.Dial,
		Credentials: s3.Credentials{AccessKey: "test-key", SecretKey: "test-secret"},
	}
	if site.Authority != nil {
		cfg.CAFile = filepath.Join(t.TempDir(), "authority.pem")
		if err := os.WriteFile(cfg.CAFile, site.Authority, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s3.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestPersonalities runs the conformance suite as each kind of store is talked to:
// by its style of addressing, over TLS if it is a vendor's, and to a server that
// refuses what that vendor refuses. They are those whose wire has something that
// no other's has; a mount of each there is stands in integration.
func TestPersonalities(t *testing.T) {
	for _, name := range []string{"aws", "oss", "cos", "r2", "gcs", "garage"} {
		p := profile(t, name)
		p.Part.Min = 64 << 10
		personality := memhttp.PersonalityOf(&p)
		personality.ForbidOverwrite = p.ForbidOverwrite // also where it is not proven that the vendor keeps it
		t.Run(p.Name, func(t *testing.T) {
			var now atomic.Pointer[memhttp.Handler] // serves the bucket of the test at hand
			c := at(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }), p, personality.Host)
			storetest.Run(t, func(*testing.T) objstore.Store {
				now.Store(memhttp.New(mem.New(p), bucket, personality))
				return c
			})
		})
	}
}

// TestForbiddenOverwriteIsSaidInManyWays has the three answers of vendors end alike.
func TestForbiddenOverwriteIsSaidInManyWays(t *testing.T) {
	for name, status := range map[string]int{"oss": 409, "aws": 412} {
		p := profile(t, name)
		c := visit(t, mem.New(p), p)
		opts := objstore.PutOptions{Condition: objstore.Condition{Absent: true}}
		data := func() objstore.Body {
			return objstore.Body{Reader: strings.NewReader("x"), Size: 1, Digest: objstore.SumOf(p.Digest, []byte("x"))}
		}
		if _, err := c.Put(t.Context(), "k", data(), opts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := c.Put(t.Context(), "k", data(), opts)
		if e := errorOf(t, err); !errors.Is(err, objstore.ErrPrecondition) || e.Status != status {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOwnChecksumOfTheStore has a store that answers with a CRC64 of its own find a
// body that changed although its digest travelled with it.
func TestOwnChecksumOfTheStore(t *testing.T) {
	for _, name := range []string{"oss", "cos"} {
		p := profile(t, name)
		c := visit(t, mem.New(p), p)
		sum := objstore.SumOf(objstore.CRC64ECMA, []byte("x"))
		body := func(answer objstore.Digest) objstore.Body {
			return objstore.Body{Reader: strings.NewReader("x"), Size: 1, Digest: objstore.SumOf(objstore.ContentMD5, []byte("x")), Answer: answer}
		}
		wrong := objstore.SumOf(objstore.CRC64ECMA, []byte("y"))
		up := objstore.UploadRef{Key: "k"}
		var err error
		if up.ID, err = c.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.UploadPart(t.Context(), up, 1, body(wrong)); !errors.Is(err, objstore.ErrBadDigest) {
			t.Errorf("%s: a part that changed: %v", name, err)
		}
		if _, err := c.Put(t.Context(), "p", body(wrong), objstore.PutOptions{}); !errors.Is(err, objstore.ErrBadDigest) {
			t.Errorf("%s: an object that changed: %v", name, err)
		}
		part, err := c.UploadPart(t.Context(), up, 1, body(sum))
		if err != nil {
			t.Fatal(err)
		}
		info, err := c.Complete(t.Context(), up, []objstore.Part{part}, objstore.CompleteOptions{Digest: sum})
		if err != nil || !info.Checksum.Equal(sum) {
			t.Errorf("%s: %+v, %v", name, info.Checksum, err)
		}
		if info, err := c.Head(t.Context(), "k"); err != nil || !info.Checksum.Equal(sum) {
			t.Errorf("%s: head tells %+v, %v", name, info.Checksum, err)
		}
		if up.ID, err = c.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		if part, err = c.UploadPart(t.Context(), up, 1, body(sum)); err != nil {
			t.Fatal(err)
		}
		_, err = c.Complete(t.Context(), up, []objstore.Part{part}, objstore.CompleteOptions{Digest: wrong})
		if err == nil || objstore.Retryable(err) || errorOf(t, err).Sent {
			t.Errorf("%s: a whole that changed: %v", name, err)
		}
	}
}

// TestBodyInTheSignature hashes bodies where the profile says so, and sends them whole.
func TestBodyInTheSignature(t *testing.T) {
	p := profile(t, "generic")
	p.UnsignedBody = false
	client, requests := watch(t, p, nil)
	if _, err := client.Put(t.Context(), "k", md5Body([]byte("abc")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r := <-requests
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := r.Header.Get("X-Amz-Content-Sha256"); got != sum || string(r.body) != "abc" {
		t.Errorf("%q in the signature, body %q", got, r.body)
	}
}

// TestExpect sends large bodies after "100 Continue" where the profile says so.
func TestExpect(t *testing.T) {
	p := profile(t, "generic")
	p.Expect = true
	client, requests := watch(t, p, nil)
	data := make([]byte, 3<<20)
	if _, err := client.Put(t.Context(), "k", md5Body(data), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if r := <-requests; r.Header.Get("Expect") == "" || len(r.body) != len(data) {
		t.Errorf("expect %q, %d bytes", r.Header.Get("Expect"), len(r.body))
	}
	r2 := profile(t, "r2")
	r2.Expect = true
	c := visit(t, mem.New(r2), r2)
	if _, err := c.Put(t.Context(), "k", md5Body(data), objstore.PutOptions{}); err == nil {
		t.Error("a personality that does not know Expect took it")
	}
}

func TestHTTPSOnly(t *testing.T) {
	cfg := s3.Config{Endpoint: "http://127.0.0.1:1", Bucket: bucket, Profile: profile(t, "b2"), Credentials: s3.Credentials{Anonymous: true}}
	if _, err := s3.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "takes only https") {
		t.Errorf("%v", err)
	}
}

// TestRegions has the signature made for the region that is most likely right.
func TestRegions(t *testing.T) {
	t.Setenv("AWS_REGION", "env-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for name, want := range map[string]string{"oss": "cn-hangzhou", "cos": "ap-guangzhou", "bos": "bj", "r2": "env-1", "minio": "env-1"} {
		p := profile(t, name)
		for _, given := range []string{"", "given-1"} {
			pers := memhttp.PersonalityOf(&p)
			cfg := s3.Config{Endpoint: "https://" + pers.Host, Bucket: bucket, Profile: p, Region: given}
			if pers.Host == "" {
				cfg.Endpoint = "http://127.0.0.1:1"
			}
			c, err := s3.New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if given != "" {
				want = given
			}
			if got := c.Region(); got != want {
				t.Errorf("%s with %q: region %q, want %q", name, given, got, want)
			}
			c.Close()
		}
	}
}

// TestListOfPartsIsBounded counts what a Complete has before it is sent, and agrees
// with what then is.
func TestListOfPartsIsBounded(t *testing.T) {
	p := profile(t, "bos")
	parts := make([]objstore.Part, 10_000)
	for i := range parts {
		parts[i] = objstore.Part{Number: int32(i + 1), ETag: "0123456789abcdef0123456789abcdef", Size: 5 << 20}
	}
	client, requests := watch(t, p, func(c *s3.Config) { c.Style = objstore.PathStyle })
	up := objstore.UploadRef{Key: "k", ID: "u"}
	client.Complete(t.Context(), up, parts, objstore.CompleteOptions{})
	n := int64(len((<-requests).body))
	if n == 0 || n > 1_000_000 {
		t.Errorf("10,000 parts make %d bytes", n)
	}
	for limit, fits := range map[int64]bool{n: true, n - 1: false} {
		p.MaxCompleteBytes = limit
		client, requests := watch(t, p, func(c *s3.Config) { c.Style = objstore.PathStyle })
		_, err := client.Complete(t.Context(), up, parts, objstore.CompleteOptions{})
		if sent := len(requests) == 1; sent != fits || !fits && !errors.Is(err, objstore.ErrTooLarge) {
			t.Errorf("of at most %d bytes: sent %v, %v", limit, sent, err)
		}
	}
}

// TestErrorsBehindSpaces has a server begin its answer before it knows the outcome.
func TestErrorsBehindSpaces(t *testing.T) {
	p := profile(t, "cos")
	c := visit(t, mem.New(p), p)
	if _, err := c.Put(t.Context(), "src", md5Body([]byte("x")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Copy(t.Context(), "dst", objstore.CopySource{Key: "src"}, objstore.CopyOptions{}); err != nil || info.ETag == "" {
		t.Errorf("copy: %+v, %v", info, err)
	}
	body, _, err := c.Get(t.Context(), "dst", objstore.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if data, err := io.ReadAll(body); err != nil || string(data) != "x" {
		t.Errorf("%q, %v", data, err)
	}
}
