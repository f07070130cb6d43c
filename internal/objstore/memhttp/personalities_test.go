package memhttp_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
)

// TestVendorsRefuse asks each personality for what its vendor refuses, in the words
// of a client that takes it for AWS.
func TestVendorsRefuse(t *testing.T) {
	chunked := []string{"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length: 1", "Content-Encoding: aws-chunked"}
	crc := []string{"X-Amz-Checksum-Crc32: AAAAAA=="}
	nvme := []string{"X-Amz-Checksum-Crc64nvme: AAAAAAAAAAA="}
	absent := []string{"If-None-Match: *"}
	gzip := []string{"Authorization: AWS4-HMAC-SHA256 Credential=k/d/r/s3/aws4_request, SignedHeaders=accept-encoding;host, Signature=x"}
	const none = "200 "
	for _, c := range []struct {
		vendor, method, path string
		headers              []string
		want                 string // status and code
	}{
		{"oss", "PUT", "/k", chunked, "400 InvalidArgument"},
		{"oss", "PUT", "/k", absent, "501 NotImplemented"},
		{"oss", "GET", "/?uploads", nil, "501 NotImplemented"},
		{"oss", "POST", "/?delete", nil, "400 InvalidRequest"},
		{"oss", "path", "", nil, "403 SecondLevelDomainForbidden"},
		{"cos", "path", "", nil, "403 PathStyleDomainForbidden"},
		{"cos", "PUT", "/k", absent, none}, // ignored
		{"cos", "PUT", "/" + strings.Repeat("k", 851), nil, "400 KeyTooLongError"},
		{"bos", "path", "", nil, "403 AccessDenied"},
		{"bos", "PUT", "/k", []string{"X-Amz-Server-Side-Encryption: AES256"}, "501 NotImplemented"},
		{"bos", "PUT", "/k", []string{"X-Amz-Grant-Read: id=x"}, "501 NotImplemented"},
		{"r2", "PUT", "/k", []string{"Expect: 100-continue"}, "417 ExpectationFailed"},
		{"r2", "PUT", "/k", chunked, "501 NotImplemented"},
		{"r2", "PUT", "/k", []string{"X-Amz-Tagging: a=b"}, "501 NotImplemented"},
		{"b2", "PUT", "/k", crc, "400 InvalidArgument"},
		{"b2", "PUT", "/k", absent, "501 NotImplemented"},
		{"gcs", "PUT", "/k?x-id=PutObject", nil, "403 SignatureDoesNotMatch"},
		{"gcs", "PUT", "/k", gzip, "403 SignatureDoesNotMatch"},
		{"gcs", "PUT", "/k", chunked, "403 SignatureDoesNotMatch"},
		{"gcs", "POST", "/?delete", nil, "501 NotImplemented"},
		{"garage", "PUT", "/k", absent, none}, // ignored in silence
		{"garage", "PUT", "/k", nvme, "400 InvalidArgument"},
		{"garage", "PUT", "/k", []string{"X-Amz-Acl: private"}, "501 NotImplemented"},
		{"ceph", "PUT", "/k", chunked, "400 XAmzContentSHA256Mismatch"},
		{"aws", "PUT", "/k", []string{"X-Amz-Storage-Class: COLD"}, "400 InvalidStorageClass"},
		{"aws", "PUT", "/k", absent, "412 PreconditionFailed"},
		{"aws", "PUT", "/k", chunked, none},
	} {
		p, _ := objstore.ProfileByName(c.vendor)
		personality := memhttp.PersonalityOf(&p)
		m := mem.New(p)
		if _, err := m.Put(t.Context(), "k", objstore.Body{}, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(memhttp.New(m, "b", personality))
		host, prefix := "Host: "+personality.Host, "/b"
		if personality.VirtualHost != "" {
			host, prefix = "Host: b."+personality.VirtualHost, ""
		}
		method, path := c.method, prefix+c.path
		if c.method == "path" {
			host, method, path = "Host: "+personality.VirtualHost, "GET", "/b/k"
		}
		body := "1\r\nx\r\n0\r\n\r\n"
		if c.path == "/?delete" {
			body = "<Delete><Object><Key>k</Key></Object></Delete>"
		}
		got := ask(t, srv, method, path, body, append([]string{host}, c.headers...)...)
		_, code, _ := strings.Cut(got.body, "<Code>")
		code, _, _ = strings.Cut(code, "</Code>")
		if fmt.Sprint(got.status, " ", code) != c.want {
			t.Errorf("%s: %s %s with %q: %d %s, want %s", c.vendor, method, c.path, c.headers, got.status, code, c.want)
		}
		srv.Close()
	}
}
