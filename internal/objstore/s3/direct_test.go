package s3

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// compared is a client whose requests come to a server of the test, whatever name
// they are for.
func compared(t *testing.T, change func(*Config)) (*Client, <-chan *http.Request) {
	t.Helper()
	requests := make(chan *http.Request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Clone(context.WithoutCancel(r.Context()))
		w.Header().Set("ETag", `"e"`)
	}))
	t.Cleanup(srv.Close)
	p, _ := objstore.ProfileByName("aws")
	cfg := Config{
		Endpoint: "http://store.test", Region: "eu-west-1", Bucket: "some-bucket", Profile: p,
		Credentials: Credentials{AccessKey: "key", SecretKey: "secret"},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
		},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, requests
}

// signatureOf makes an Authorization comparable: who signed, where, and what of.
func signatureOf(h http.Header) string {
	who, _, _ := strings.Cut(h.Get("Authorization"), "Signature=")
	who = strings.NewReplacer("amz-sdk-invocation-id;", "", "amz-sdk-request;", "").Replace(who)
	date, _, _ := strings.Cut(h.Get("X-Amz-Date"), "T")
	return strings.Replace(who, "/"+date+"/", "/day/", 1)
}

// TestDirectIsWhatTheSDKSends makes the same calls both ways, for all that shapes a
// request.
func TestDirectIsWhatTheSDKSends(t *testing.T) {
	data := []byte("content")
	everything := objstore.ObjectOptions{
		ContentType: "text/plain", CacheControl: "no-cache", ContentDisposition: "inline", ContentEncoding: "br", ContentLanguage: "de",
		Expires: "Sun, 06 Nov 1994 08:49:37 GMT", Metadata: map[string]string{"mode": "33188", "mixed-case": "a b"},
		StorageClass: "STANDARD_IA", Tags: map[string]string{"a": "b c"}, ACL: "private",
		Grants: objstore.Grants{FullControl: `id="1"`, Read: `id="2"`, ReadACP: `id="3"`, WriteACP: `id="4"`},
		SSE:    objstore.SSE{Mode: "kms", KMSKeyID: "k", KMSContext: "e30=", BucketKey: true},
	}
	put := func(c *Client, key string, data []byte, opts objstore.PutOptions) {
		body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(c.profile.Digest, data)}
		_, _ = c.Put(t.Context(), key, body, opts)
	}
	get := func(c *Client, key string, opts objstore.GetOptions) {
		if body, _, err := c.Get(t.Context(), key, opts); err == nil {
			_ = body.Close()
		}
	}
	calls := map[string]func(c *Client, key string){
		"head": func(c *Client, key string) { _, _ = c.Head(t.Context(), key) },
		"get":  func(c *Client, key string) { get(c, key, objstore.GetOptions{}) },
		"range": func(c *Client, key string) {
			get(c, key, objstore.GetOptions{Offset: 5, Length: 7, IfMatch: "e"})
		},
		"part": func(c *Client, key string) {
			up := objstore.UploadRef{Key: key, ID: "an id+/=~&"}
			body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(c.profile.Digest, data)}
			_, _ = c.UploadPart(t.Context(), up, 17, body)
		},
		"delete": func(c *Client, key string) { _ = c.Delete(t.Context(), key) },
		"put":    func(c *Client, key string) { put(c, key, data, objstore.PutOptions{}) },
		"empty":  func(c *Client, key string) { put(c, key, nil, objstore.PutOptions{}) },
		"absent": func(c *Client, key string) {
			put(c, key, data, objstore.PutOptions{Condition: objstore.Condition{Absent: true}})
		},
		"match": func(c *Client, key string) {
			put(c, key, data, objstore.PutOptions{Condition: objstore.Condition{ETag: "e"}})
		},
		"everything": func(c *Client, key string) { put(c, key, data, objstore.PutOptions{ObjectOptions: everything}) },
		"encrypted": func(c *Client, key string) {
			put(c, key, data, objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{SSE: objstore.SSE{Mode: "aes256"}}})
		},
	}
	shapes := map[string]func(*Config){
		"virtual host":   nil,
		"path":           func(c *Config) { c.Style = objstore.PathStyle },
		"below a path":   func(c *Config) { c.Style, c.Endpoint = objstore.PathStyle, "http://store.test/with/path/" },
		"with a port":    func(c *Config) { c.Endpoint = "http://store.test:9000" },
		"anonymous":      func(c *Config) { c.Credentials = Credentials{Anonymous: true} },
		"token":          func(c *Config) { c.Credentials.Token = "token" },
		"requester pays": func(c *Config) { c.RequesterPays = true },
		"customer's key": func(c *Config) { c.CustomerKey = bytes.Repeat([]byte{7}, 32) },
		"rate": func(c *Config) {
			c.Profile, _ = objstore.ProfileByName("oss")
			c.TrafficLimit = 819200
		},
	}
	for _, p := range objstore.Profiles() {
		shapes["profile "+p.Name] = func(c *Config) { c.Profile, c.Profile.HTTPSOnly = p, false }
	}
	keys := []string{"k", "dir/file", "a b+c%d", "häß/ü", "//", "/a//b/", ".", "a/../b", "q?x=y&z#f", "~'()!*:@$,;="}
	for shape, change := range shapes {
		direct, requests := compared(t, change)
		if direct.direct == nil {
			t.Fatalf("%s: there is no direct", shape)
		}
		viaSDK := *direct
		viaSDK.direct = nil
		for name, call := range calls {
			for _, key := range keys {
				if (name == "head" || name == "get" || name == "range") && shape == "customer's key" {
					continue // TestKeyGoesWithEveryRequest: who has one asks twice
				}
				got, want := answerTo(t, requests, func() { call(direct, key) }), answerTo(t, requests, func() { call(&viaSDK, key) })
				if got == nil || want == nil {
					if got != want {
						t.Errorf("%s, %s of %q: only one was sent", shape, name, key)
					}
					continue
				}
				if got.Method != want.Method || got.RequestURI != want.RequestURI || got.Host != want.Host || got.ContentLength != want.ContentLength {
					t.Errorf("%s, %s of %q: %s %s%s, %d bytes\nwant %s %s%s, %d bytes", shape, name, key, got.Method, got.Host, got.RequestURI, got.ContentLength,
						want.Method, want.Host, want.RequestURI, want.ContentLength)
				}
				if g, w := signatureOf(got.Header), signatureOf(want.Header); g != w {
					t.Errorf("%s, %s of %q: signed by %s\nwant %s", shape, name, key, g, w)
				}
				for _, own := range []string{"User-Agent", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization", "X-Amz-Date"} {
					got.Header.Del(own)
					want.Header.Del(own)
				}
				if !reflect.DeepEqual(got.Header, want.Header) {
					t.Errorf("%s, %s of %q: %v\nwant %v", shape, name, key, got.Header, want.Header)
				}
			}
		}
	}
}

// answerTo is the request that a call makes, nil if it makes none.
func answerTo(t *testing.T, requests <-chan *http.Request, call func()) *http.Request {
	t.Helper()
	call()
	select {
	case r := <-requests:
		return r
	default:
		return nil
	}
}

// TestBucketsThatAreSignedForOtherwise has those go through the SDK.
func TestBucketsThatAreSignedForOtherwise(t *testing.T) {
	for bucket, direct := range map[string]bool{
		"plain":                true,
		"zone--use1-az4--x-s3": false,
		"arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap": false,
	} {
		p, _ := objstore.ProfileByName("aws")
		c, err := New(t.Context(), Config{Bucket: bucket, Region: "us-east-1", Profile: p, Credentials: Credentials{AccessKey: "k", SecretKey: "s"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.direct != nil; got != direct {
			t.Errorf("%s: direct is %v", bucket, got)
		}
		c.Close()
	}
}

// TestWrongClock has requests signed for the time of the store.
func TestWrongClock(t *testing.T) {
	store := time.Now().Add(-3 * time.Hour)
	dates := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dates <- r.Header.Get("X-Amz-Date")
		w.Header().Set("Date", store.UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(srv.Close)
	p, _ := objstore.ProfileByName("aws")
	c, err := New(t.Context(), Config{Endpoint: srv.URL, Bucket: "b", Profile: p, Style: objstore.PathStyle, Credentials: Credentials{AccessKey: "k", SecretKey: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var off []time.Duration
	for range 2 {
		if _, err := c.Head(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		signed, err := time.Parse("20060102T150405Z", <-dates)
		if err != nil {
			t.Fatal(err)
		}
		off = append(off, signed.Sub(store).Round(time.Hour))
	}
	if want := []time.Duration{3 * time.Hour, 0}; !slices.Equal(off, want) {
		t.Errorf("signed for %v after the store's time, want %v", off, want)
	}
}
