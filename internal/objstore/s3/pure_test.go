package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestWithoutXID(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "x-id=Put": "", "a=b&x-id=Put": "a=b", "x-id=Put&uploads": "uploads", "partNumber=1&x-id=X&uploadId=u": "partNumber=1&uploadId=u",
		"x-ident=1": "x-ident=1",
	} {
		if got := withoutXID(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEscapeKey(t *testing.T) {
	for in, want := range map[string]string{"a/b c+d": "a/b%20c%2Bd", "ü": "%C3%BC", "100%": "100%25", "-._~": "-._~", "a?b#c&d": "a%3Fb%23c%26d", "\x01": "%01"} {
		got := escapeKey(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if back, err := url.PathUnescape(got); err != nil || back != in {
			t.Errorf("%q comes back as %q, %v", in, back, err)
		}
	}
}

func TestDecodeKey(t *testing.T) {
	for _, c := range []struct {
		in      string
		encoded bool
		want    string
	}{{"a+b%2Bc", true, "a b+c"}, {"a+b%2Bc", false, "a+b%2Bc"}, {"a%20b", true, "a b"}, {"100%", true, "100%"}} {
		if got := decodeKey(c.in, c.encoded); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestTold(t *testing.T) {
	s := func(v string) *string { return &v }
	if d := told(s("4waSgw=="), nil); d.Algorithm != objstore.CRC32C || len(d.Sum) != 4 {
		t.Errorf("%+v", d)
	}
	if d := told(nil, s("rosUhgp5mIg=")); d.Algorithm != objstore.CRC64NVME || len(d.Sum) != 8 {
		t.Errorf("%+v", d)
	}
	for _, composite := range []*string{s("4waSgw==-3"), s(""), nil} {
		if d := told(composite, nil); !d.IsZero() {
			t.Errorf("%+v", d)
		}
	}
}

func TestEndBetweenKeys(t *testing.T) {
	for in, want := range map[string]string{"aabb": "aa", "abc": "ab", "aaa": "aaa", "a": "a", "": ""} {
		p := objstore.UploadPage{NextUploadIDMarker: "x"}
		for _, k := range in {
			p.Uploads = append(p.Uploads, objstore.Upload{Key: string(k)})
		}
		endBetweenKeys(&p)
		got := ""
		for _, u := range p.Uploads {
			got += u.Key
		}
		if got != want || p.NextUploadIDMarker != "" || want != "" && p.NextKeyMarker != want[len(want)-1:] {
			t.Errorf("%q: %q, next %q", in, got, p.NextKeyMarker)
		}
	}
}

func TestSanitised(t *testing.T) {
	in := "<R><Key>a\x01b\xffc&#x1;d&#1;e&#x1B;f&#27;&amp;&#x41;&#65;&#xA;\u00fc</Key></R>"
	got, err := io.ReadAll(newSanitised(io.NopCloser(strings.NewReader(in))))
	if want := "<R><Key>a?b?c?d?e?f?&amp;&#x41;&#65;&#xA;\u00fc</Key></R>"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "Wed, 01 Jan 2025 00:01:00 GMT": time.Minute, "Tue, 31 Dec 2024 00:00:00 GMT": 0, "later": 0,
	} {
		x := &exchange{header: http.Header{"Retry-After": {value}}}
		if got := x.retryAfter(now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// pipeBody sends a body through a pipe as net/http would: a few bytes by Read,
// the rest by sendTo.
func pipeBody(t *testing.T, b objstore.Body, head int) ([]byte, error) {
	t.Helper()
	o, err := newOutBody(b)
	if err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	received := make(chan []byte)
	go func() {
		data, _ := io.ReadAll(there)
		received <- data
	}()
	first := make([]byte, head)
	n, err := io.ReadFull(o, first)
	if err == nil {
		here.Write(first[:n])
		_, err = conn{here, nil}.ReadFrom(io.LimitReader(o, b.Size-int64(n)))
	}
	if err == nil {
		if n, eof := o.Read(first); n != 0 || eof != io.EOF {
			t.Errorf("after the end: %d, %v", n, eof)
		}
	}
	here.Close()
	return <-received, err
}

func TestOutBody(t *testing.T) {
	data := make([]byte, 600_000)
	for i := range data {
		data[i] = byte(i / 3)
	}
	plainReader := func(b []byte) io.ReadSeeker { return struct{ io.ReadSeeker }{bytes.NewReader(b)} }
	writer := func(b []byte) io.ReadSeeker { return bytes.NewReader(b) }
	for name, reader := range map[string]func([]byte) io.ReadSeeker{"reader": plainReader, "writer": writer} {
		got, err := pipeBody(t, objstore.Body{Reader: reader(data), Size: int64(len(data))}, 1000)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if _, err := pipeBody(t, objstore.Body{Reader: reader(data), Size: int64(len(data)) + 1}, 1000); err == nil {
			t.Errorf("%s: a short body passed", name)
		}
	}
	if _, err := pipeBody(t, objstore.Body{Reader: writer(data), Size: int64(len(data)) - 1}, 1000); !errors.Is(err, errBodySize) {
		t.Errorf("a long body: %v", err)
	}
	if o, err := newOutBody(objstore.Body{}); o != nil || err != nil {
		t.Errorf("an empty body: %v, %v", o, err)
	}
	if _, err := newOutBody(objstore.Body{Size: 1}); err == nil {
		t.Error("a body without a reader passed")
	}
}

// TestCork holds back what is written until it is full, or pulled.
func TestCork(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	received := make(chan []byte, 10)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			n, err := there.Read(buf)
			if err != nil {
				close(received)
				return
			}
			received <- bytes.Clone(buf[:n])
		}
	}()
	k := &cork{Conn: here}
	k.Write([]byte("open"))
	k.put()
	k.Write([]byte("one "))
	k.Write([]byte("two"))
	if err := k.pull(); err != nil {
		t.Fatal(err)
	}
	k.put()
	k.Write(make([]byte, 200<<10))
	k.Write(make([]byte, 100<<10)) // has no room beside the first
	k.Write(make([]byte, 300<<10)) // has no room at all
	if err := k.pull(); err != nil {
		t.Fatal(err)
	}
	here.Close()
	var sizes []int
	for b := range received {
		sizes = append(sizes, len(b))
	}
	if want := []int{4, 7, 200 << 10, 100 << 10, 300 << 10}; !slices.Equal(sizes, want) {
		t.Errorf("writes of %v, want %v", sizes, want)
	}
}

func TestOutBodyIsCut(t *testing.T) {
	o, err := newOutBody(objstore.Body{Reader: bytes.NewReader(make([]byte, 1<<20)), Size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer there.Close()
	done := make(chan error, 1)
	go func() {
		_, err := o.sendTo(conn{here, nil}, 1<<20)
		done <- err
	}()
	io.ReadFull(there, make([]byte, 10)) // it is under way, and nobody reads on
	o.stop()
	if err := <-done; err == nil {
		t.Error("sending went on")
	}
	if _, err := o.Read(make([]byte, 1)); !errors.Is(err, errBodyStopped) {
		t.Errorf("read after stop: %v", err)
	}
	if _, err := o.sendTo(conn{here, nil}, 1); !errors.Is(err, errBodyStopped) {
		t.Errorf("send after stop: %v", err)
	}
}

// TestVirtualHost puts the bucket before the host.
func TestVirtualHost(t *testing.T) {
	hosts := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host + " " + r.URL.Path
	}))
	defer srv.Close()
	p, _ := objstore.ProfileByName("aws")
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	c, err := New(t.Context(), Config{Endpoint: "http://store.test", Bucket: "bucket", Profile: p, Credentials: Credentials{Anonymous: true}, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Head(t.Context(), "dir/k"); err != nil {
		t.Fatal(err)
	}
	if got := <-hosts; got != "bucket.store.test /dir/k" {
		t.Errorf("asked %q", got)
	}
}

func TestRegions(t *testing.T) {
	for _, c := range []struct{ given, environment, profile, want string }{
		{"", "", "", "us-east-1"}, {"a", "b", "c", "a"}, {"", "b", "c", "b"}, {"", "", "c", "c"},
	} {
		cfg := Config{Region: c.given, Profile: objstore.Profile{Region: c.profile}}
		if got := cfg.regionOr(c.environment); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
