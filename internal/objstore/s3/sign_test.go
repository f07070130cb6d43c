package s3

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestSignatures compares signatures with those of the SDK's signer.
func TestSignatures(t *testing.T) {
	sdk := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	noon := time.Date(2024, 2, 29, 12, 0, 0, 999, time.FixedZone("", 3600))
	who := aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret/+="}
	cases := []struct {
		endpoint, key, query string
		length               int64
		header               http.Header
		creds                aws.Credentials
		at                   time.Time
	}{
		{endpoint: "http://store.test", key: "k"},
		{endpoint: "http://store.test", key: ""},
		{endpoint: "http://store.test:80/bucket", key: "a b+c%d"},
		{endpoint: "https://store.test:443", key: "häß/ü"},
		{endpoint: "https://store.test:80", key: "//x/../y"},
		{endpoint: "http://[::1]", key: "~'()!*:@$,;="},
		{endpoint: "http://[::1]:9000", key: "q?x=y&z#f", query: "x-id=GetObject"},
		{endpoint: "http://store.test", key: "k", query: "partNumber=17&uploadId=an+id%2B%2F%3D~%26&x-id=UploadPart", length: 12345},
		{endpoint: "http://store.test", key: "k", header: http.Header{
			"User-Agent": {"not signed"}, "Content-Type": {" text/plain;  a=b "}, "X-Amz-Meta-A": {"a   b"}, "X-Amz-Meta-A-B": {"\tc"},
			"X-Amz-Meta-Ab": {""}, "Range": {"bytes=0-1"}, "X-Amz-Acl": {"a", " b  c"}, "If-Match": {`"e"`}, "X-Amz-Checksum-Mode": {"ENABLED"},
		}},
		{endpoint: "http://store.test", key: "k", at: noon.Add(24 * time.Hour)},
		{endpoint: "http://store.test", key: "k", creds: aws.Credentials{AccessKeyID: "other", SecretAccessKey: "one", SessionToken: "token=="}},
		{endpoint: "http://store.test", key: "k"},
	}
	signers := map[string]*signer{}
	for i, c := range cases {
		at, err := url.Parse(c.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if signers[c.endpoint] == nil {
			signers[c.endpoint] = newSigner("eu-west-1", at)
		}
		if c.creds.AccessKeyID == "" {
			c.creds = who
		}
		if c.at.IsZero() {
			c.at = noon
		}
		request := func() *http.Request {
			d := direct{bucket: *at}
			h := c.header.Clone()
			if h == nil {
				h = http.Header{}
			}
			h.Set("X-Amz-Content-Sha256", emptyHash)
			return (&http.Request{Method: http.MethodPut, URL: d.object(c.key, c.query), Header: h, ContentLength: c.length}).WithContext(t.Context())
		}
		got, want := request(), request()
		signers[c.endpoint].sign(got, emptyHash, c.creds, c.at)
		if err := sdk.SignHTTP(t.Context(), c.creds, want, emptyHash, signedService, "eu-west-1", c.at); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			if g, w := got.Header.Get(name), want.Header.Get(name); g != w {
				t.Errorf("%d: %s\n%s, want\n%s", i, name, g, w)
			}
		}
		if got.URL.String() != want.URL.String() {
			t.Errorf("%d: %s, want %s", i, got.URL, want.URL)
		}
	}
}
