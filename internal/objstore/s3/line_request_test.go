package s3

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

// TestLineRequests compares what is written with what net/http writes.
func TestLineRequests(t *testing.T) {
	for _, place := range []string{
		"http://store.test", "http://store.test:9000/bucket/k%20e%2By", "https://[::1]:8080/a//b/../c?x-id=GetObject", "http://store.test/?list-type=2&prefix=a%2F",
	} {
		at, err := url.Parse(place)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"", "other.test"} {
			req := &http.Request{Method: http.MethodGet, URL: at, Host: host, Header: http.Header{
				"User-Agent": {"test"}, "Range": {"bytes=0-9"}, "X-Amz-Meta-A": {" a  b\t"}, "X-Amz-Acl": {"a", "b"}, "X-Amz-Empty": {""},
				"X-Amz-Meta-Lines": {"a\r\nX-Other: b"}, "Host": {"third.test"}, "Content-Length": {"17"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X"},
			}}
			var theirs bytes.Buffer
			if err := req.Write(&theirs); err != nil {
				t.Fatal(err)
			}
			got, want := parsed(t, appendRequest(nil, req)), parsed(t, theirs.Bytes())
			if got.Method != want.Method || got.RequestURI != want.RequestURI || got.Host != want.Host || got.Proto != want.Proto {
				t.Errorf("%s %s at %s by %s, want %s %s at %s by %s", got.Method, got.RequestURI, got.Host, got.Proto, want.Method, want.RequestURI, want.Host, want.Proto)
			}
			if !reflect.DeepEqual(got.Header, want.Header) || got.ContentLength != want.ContentLength {
				t.Errorf("%v and %d bytes, want %v and %d", got.Header, got.ContentLength, want.Header, want.ContentLength)
			}
		}
	}
}

// parsed is a request as a server sees it.
func parsed(t *testing.T, written []byte) *http.Request {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(written))
	req, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("%v: %q", err, written)
	}
	if n := in.Buffered(); n > 0 {
		t.Errorf("%d bytes behind the request", n)
	}
	return req
}

func TestPlainHosts(t *testing.T) {
	for host, plain := range map[string]bool{"store.test": true, "127.0.0.1:9000": true, "[::1]:80": true, "bücher.test": false, "[fe80::1%eth0]:80": false} {
		if plainHost(host) != plain {
			t.Errorf("%s: %v", host, !plain)
		}
	}
}
