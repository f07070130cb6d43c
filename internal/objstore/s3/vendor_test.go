package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// asked drains the requests that came and returns the headers of the last.
func asked(t *testing.T, requests <-chan seen) http.Header {
	t.Helper()
	var last http.Header
	for len(requests) > 0 {
		last = (<-requests).Header
	}
	if last == nil {
		t.Fatal("no request came")
	}
	return last
}

// signed tells whether a header is covered by the signature.
func signed(h http.Header, name string) bool {
	return strings.Contains(h.Get("Authorization"), strings.ToLower(name)+";") || strings.Contains(h.Get("Authorization"), strings.ToLower(name)+",")
}

func TestTrafficLimitGoesWithWhatMovesBytes(t *testing.T) {
	for profileName, header := range map[string]string{"oss": "X-Oss-Traffic-Limit", "cos": "X-Cos-Traffic-Limit", "bos": "X-Bce-Traffic-Limit"} {
		p := profile(t, profileName)
		c, requests := watch(t, p, func(cfg *s3.Config) { cfg.TrafficLimit = 819_200 })
		up := objstore.UploadRef{Key: "k", ID: "u"}
		for name, do := range map[string]func(){
			"Put":            func() { _, _ = c.Put(t.Context(), "k", md5Body([]byte("x")), objstore.PutOptions{}) },
			"UploadPart":     func() { _, _ = c.UploadPart(t.Context(), up, 1, md5Body([]byte("x"))) },
			"UploadPartCopy": func() { _, _ = c.UploadPartCopy(t.Context(), up, 1, objstore.CopySource{Key: "s"}) },
			"Get":            func() { _, _, _ = c.Get(t.Context(), "k", objstore.GetOptions{}) },
		} {
			do()
			if h := asked(t, requests); h.Get(header) != "819200" || !signed(h, header) {
				t.Errorf("%s, %s: %q in %v", profileName, name, h.Get(header), h)
			}
		}
		_, _ = c.Head(t.Context(), "k")
		if h := asked(t, requests); h.Get(header) != "" {
			t.Errorf("%s: a HEAD carries a limit", profileName)
		}
	}
	c, requests := watch(t, profile(t, "aws"), func(cfg *s3.Config) { cfg.TrafficLimit = 819_200 })
	_, _, _ = c.Get(t.Context(), "k", objstore.GetOptions{})
	for name := range asked(t, requests) {
		if strings.HasSuffix(name, "Traffic-Limit") {
			t.Errorf("AWS is sent %s", name)
		}
	}
}

func TestEncryptionByTheVendorsHeaders(t *testing.T) {
	for _, c := range []struct {
		profile string
		sse     objstore.SSE
		want    map[string]string
	}{
		{"oss", objstore.SSE{Mode: "sm4"}, map[string]string{"X-Oss-Server-Side-Encryption": "SM4"}},
		{"oss", objstore.SSE{Mode: "kms", KMSKeyID: "id"}, map[string]string{
			"X-Oss-Server-Side-Encryption": "KMS", "X-Oss-Server-Side-Encryption-Key-Id": "id"}},
		{"cos", objstore.SSE{Mode: "kms"}, map[string]string{"X-Cos-Server-Side-Encryption": "cos/kms"}},
		{"aws", objstore.SSE{Mode: "kms:dsse", KMSKeyID: "id", KMSContext: "e30=", BucketKey: true}, map[string]string{
			"X-Amz-Server-Side-Encryption": "aws:kms:dsse", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "id",
			"X-Amz-Server-Side-Encryption-Context": "e30=", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": "true"}},
	} {
		client, requests := watch(t, profile(t, c.profile), nil)
		o := objstore.ObjectOptions{SSE: c.sse}
		for name, do := range map[string]func(){
			"Put": func() {
				_, _ = client.Put(t.Context(), "k", md5Body([]byte("x")), objstore.PutOptions{ObjectOptions: o})
			},
			"CreateMultipart": func() { _, _ = client.CreateMultipart(t.Context(), "k", o) },
			"Copy": func() {
				_, _ = client.Copy(t.Context(), "k", objstore.CopySource{Key: "s"}, objstore.CopyOptions{ObjectOptions: o})
			},
		} {
			do()
			h := asked(t, requests)
			for header, want := range c.want {
				if h.Get(header) != want || !signed(h, header) {
					t.Errorf("%s %s, %s: %s is %q, want %q", c.profile, c.sse.Mode, name, header, h.Get(header), want)
				}
			}
			if own := c.want["X-Amz-Server-Side-Encryption"]; own == "" && h.Get("X-Amz-Server-Side-Encryption") != "" {
				t.Errorf("%s %s, %s: also by the header of AWS", c.profile, c.sse.Mode, name)
			}
		}
	}
}

func TestRequesterPaysGoesWithEverything(t *testing.T) {
	c, requests := watch(t, profile(t, "aws"), func(cfg *s3.Config) { cfg.RequesterPays = true })
	up := objstore.UploadRef{Key: "k", ID: "u"}
	for name, do := range map[string]func(){
		"Head":       func() { _, _ = c.Head(t.Context(), "k") },
		"Tags":       func() { _, _ = c.Tags(t.Context(), "k") },
		"Get":        func() { _, _, _ = c.Get(t.Context(), "k", objstore.GetOptions{}) },
		"List":       func() { _, _ = c.List(t.Context(), objstore.ListOptions{}) },
		"Put":        func() { _, _ = c.Put(t.Context(), "k", body([]byte("x")), objstore.PutOptions{}) },
		"UploadPart": func() { _, _ = c.UploadPart(t.Context(), up, 1, body([]byte("x"))) },
		"Copy":       func() { _, _ = c.Copy(t.Context(), "k", objstore.CopySource{Key: "s"}, objstore.CopyOptions{}) },
		"DeleteMany": func() { _, _ = c.DeleteMany(t.Context(), []string{"k"}) },
		"Abort":      func() { _ = c.Abort(t.Context(), up) },
	} {
		do()
		if h := asked(t, requests); h.Get("X-Amz-Request-Payer") != "requester" {
			t.Errorf("%s: %v", name, h)
		}
	}
}
