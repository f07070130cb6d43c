package memhttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request, its headers as "Name: value" lines.
func ask(t *testing.T, srv *httptest.Server, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func start(t *testing.T, name string, change func(*memhttp.Personality)) (*httptest.Server, *mem.Store) {
	t.Helper()
	p, ok := objstore.ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %s", name)
	}
	m := mem.New(p)
	personality := memhttp.PersonalityOf(&p)
	if change != nil {
		change(&personality)
	}
	srv := httptest.NewServer(memhttp.New(m, "b", personality))
	t.Cleanup(srv.Close)
	return srv, m
}

func TestPersonalities(t *testing.T) {
	streaming := []string{"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length: 5", "Content-Encoding: aws-chunked"}
	chunked := "3\r\nabc\r\n2;chunk-signature=x\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
	aws, m := start(t, "aws", nil)
	if a := ask(t, aws, "PUT", "/b/k", chunked, streaming...); a.status != 200 {
		t.Errorf("chunked: %+v", a)
	}
	if data, info, _ := m.Object("k"); string(data) != "abcde" || info.ContentEncoding != "" {
		t.Errorf("stored %q, %+v", data, info)
	}
	if a := ask(t, aws, "HEAD", "/b", ""); a.header.Get("Server") != "AmazonS3" || a.header.Get("X-Amz-Bucket-Region") == "" {
		t.Errorf("head bucket: %+v", a)
	}
	generic, _ := start(t, "generic", nil)
	if a := ask(t, generic, "PUT", "/b/k", chunked, streaming...); a.status != 400 || !strings.Contains(a.body, "aws-chunked encoding is not supported") {
		t.Errorf("chunked where it is not known: %+v", a)
	}
	if a := ask(t, generic, "PUT", "/b/k", "x", "X-Amz-Checksum-Crc32: AAAAAA=="); a.status != 400 || !strings.Contains(a.body, "Unsupported header") {
		t.Errorf("checksum where there are none: %+v", a)
	}
	if a := ask(t, generic, "POST", "/b?delete", "<Delete><Object><Key>k</Key></Object></Delete>"); a.status != 400 {
		t.Errorf("delete without Content-MD5: %+v", a)
	}
}

func TestStylesOfAddressing(t *testing.T) {
	srv, m := start(t, "aws", func(p *memhttp.Personality) { p.PathStyle, p.VirtualHost = false, "store.test" })
	if a := ask(t, srv, "PUT", "/dir/k", "x", "Host: b.store.test"); a.status != 200 || len(m.Keys()) != 1 || m.Keys()[0] != "dir/k" {
		t.Errorf("virtual host: %+v, keys %q", a, m.Keys())
	}
	if a := ask(t, srv, "PUT", "/b/k", "x"); a.status != 403 || !strings.Contains(a.body, "SecondLevelDomainForbidden") {
		t.Errorf("path style: %+v", a)
	}
	if a := ask(t, srv, "GET", "/k", "", "Host: other.store.test"); a.status != 404 || !strings.Contains(a.body, "NoSuchBucket") {
		t.Errorf("another bucket: %+v", a)
	}
}

func TestListingsOnTheWire(t *testing.T) {
	srv, m := start(t, "aws", nil)
	for _, key := range []string{"a b", "d/1", "d/2", "e&f"} {
		if _, err := m.Put(t.Context(), key, objstore.Body{}, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][]string{
		"/b?list-type=2":                                   {"<Key>a b</Key>", "<Key>e&amp;f</Key>", "<KeyCount>4</KeyCount>", "<IsTruncated>false</IsTruncated>"},
		"/b?list-type=2&encoding-type=url":                 {"<Key>a+b</Key>", "<Key>e%26f</Key>", "<EncodingType>url</EncodingType>"},
		"/b?list-type=2&max-keys=2":                        {"<NextContinuationToken>", "<IsTruncated>true</IsTruncated>"},
		"/b?delimiter=%2F&max-keys=2":                      {"<NextMarker>d/</NextMarker>", "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>"},
		"/b?max-keys=2":                                    {"<IsTruncated>true</IsTruncated>"},
		"/b?marker=d/1":                                    {"<Key>d/2</Key>"},
		"/b?list-type=2&start-after=d/2&prefix=e":          {"<Key>e&amp;f</Key>", "<Prefix>e</Prefix>"},
		"/b?uploads":                                       {"<ListMultipartUploadsResult"},
		"/b?list-type=2&max-keys=x":                        {"InvalidArgument"},
		"/b?list-type=2&continuation-token=%21not+a+token": {"InvalidArgument"},
	} {
		a := ask(t, srv, "GET", path, "")
		for _, w := range want {
			if !strings.Contains(a.body, w) {
				t.Errorf("%s: no %s in %s", path, w, a.body)
			}
		}
	}
	if a := ask(t, srv, "GET", "/b?max-keys=2", ""); strings.Contains(a.body, "NextMarker") {
		t.Errorf("a marker without a delimiter: %s", a.body)
	}
}

func TestRangesOnTheWire(t *testing.T) {
	srv, m := start(t, "aws", nil)
	if _, err := m.Put(t.Context(), "k", objstore.Body{Reader: strings.NewReader("abcdef"), Size: 6}, objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given, body, contentRange string
		status                    int
	}{
		{"bytes=1-2", "bc", "bytes 1-2/6", 206}, {"bytes=4-", "ef", "bytes 4-5/6", 206}, {"bytes=4-99", "ef", "bytes 4-5/6", 206},
		{"bytes=6-", "", "", 416}, {"bytes=-2", "", "", 400}, {"lines=1-2", "", "", 400}, {"bytes=2-1", "", "", 400},
	} {
		a := ask(t, srv, "GET", "/b/k", "", "Range: "+c.given)
		if a.status != c.status || a.header.Get("Content-Range") != c.contentRange || c.status == 206 && a.body != c.body {
			t.Errorf("%s: %+v", c.given, a)
		}
	}
}

func TestErrorsOnTheWire(t *testing.T) {
	srv, _ := start(t, "aws", nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/b/none", "", 404, "NoSuchKey"},
		{"HEAD", "/b/none", "", 404, ""},
		{"GET", "/other/k", "", 404, "NoSuchBucket"},
		{"PUT", "/b/k?uploadId=u&partNumber=1", "x", 404, "NoSuchUpload"},
		{"DELETE", "/b/k?uploadId=u", "", 404, "NoSuchUpload"},
		{"POST", "/b/k?uploadId=u", "no XML", 400, "MalformedXML"},
		{"POST", "/b/k", "", 501, "NotImplemented"},
		{"PATCH", "/b/k", "", 501, "NotImplemented"},
		{"PATCH", "/b", "", 501, "NotImplemented"},
	} {
		a := ask(t, srv, c.method, c.path, c.body)
		if a.status != c.status || !strings.Contains(a.body, c.code) || a.header.Get("X-Amz-Request-Id") == "" {
			t.Errorf("%s %s: %+v", c.method, c.path, a)
		}
		if c.method == "HEAD" && a.body != "" {
			t.Errorf("HEAD has the body %q", a.body)
		}
	}
}

// TestFaultsOnTheWire has each kind of failure answered as S3 would, and broken
// connections broken.
func TestFaultsOnTheWire(t *testing.T) {
	p, _ := objstore.ProfileByName("aws")
	f := fault.New(mem.New(p))
	srv := httptest.NewServer(memhttp.New(f, "b", memhttp.PersonalityOf(&p)))
	t.Cleanup(srv.Close)
	for kind, want := range map[error]string{
		objstore.ErrNotFound: "404 NoSuchKey", objstore.ErrNoSuchUpload: "404 NoSuchUpload", objstore.ErrNoSuchBucket: "404 NoSuchBucket",
		objstore.ErrAccessDenied: "403 AccessDenied", objstore.ErrPrecondition: "412 PreconditionFailed", objstore.ErrConflict: "409 ConditionalRequestConflict",
		objstore.ErrRange: "416 InvalidRange", objstore.ErrTooLarge: "400 EntityTooLarge", objstore.ErrKeyTooLong: "400 KeyTooLongError",
		objstore.ErrInvalid: "400 InvalidRequest", objstore.ErrInvalidPart: "400 InvalidPart", objstore.ErrBadDigest: "400 BadDigest",
		objstore.ErrUnsupported: "501 NotImplemented", objstore.ErrNoSpace: "507 InsufficientStorage", objstore.ErrArchived: "403 InvalidObjectState",
		objstore.ErrThrottled: "503 SlowDown", objstore.ErrExpired: "400 ExpiredToken",
	} {
		rule := f.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Fail, Kind: kind})
		a := ask(t, srv, "GET", "/b/k", "")
		status, code, _ := strings.Cut(want, " ")
		if fmt.Sprint(a.status) != status || !strings.Contains(a.body, "<Code>"+code+"</Code>") {
			t.Errorf("%v: %+v, want %s", kind, a, want)
		}
		rule.Remove()
	}
	for _, mode := range []fault.Mode{fault.Drop, fault.LoseAnswer} {
		rule := f.Add(fault.Rule{Op: objstore.OpPut, Mode: mode})
		if a := ask(t, srv, "PUT", "/b/k", "x"); a.status != 0 {
			t.Errorf("%s: %+v", mode, a)
		}
		rule.Remove()
	}
}
