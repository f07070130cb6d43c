package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// seen is a request as it came over the wire.
type seen struct {
	*http.Request
	body []byte
}

// watch answers everything with little and shows what was asked.
func watch(t *testing.T, p objstore.Profile, change func(*s3.Config)) (*s3.Client, <-chan seen) {
	t.Helper()
	requests := make(chan seen, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- seen{r.Clone(t.Context()), data}
		w.Header().Set("ETag", `"e"`)
	}))
	t.Cleanup(srv.Close)
	return dial(t, srv, p, change), requests
}

func md5Body(data []byte) objstore.Body {
	return objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(objstore.ContentMD5, data)}
}

func TestBodiesOnTheWire(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 3<<20)
	for _, c := range []struct {
		profile string
		body    objstore.Body
		header  string
	}{
		{"aws", body(data), "X-Amz-Checksum-Crc64nvme"},
		{"generic", md5Body(data), "Content-Md5"},
	} {
		client, requests := watch(t, profile(t, c.profile), nil)
		if _, err := client.Put(t.Context(), "k", c.body, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, c.body); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r := <-requests
			h := r.Header
			if !bytes.Equal(r.body, data) || r.ContentLength != int64(len(data)) || len(r.TransferEncoding) != 0 {
				t.Errorf("%s: body of %d bytes, length %d", c.profile, len(r.body), r.ContentLength)
			}
			if h.Get(c.header) == "" || h.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" {
				t.Errorf("%s: headers %v", c.profile, h)
			}
			for _, name := range []string{"Expect", "X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Decoded-Content-Length"} {
				if v := h.Get(name); v != "" {
					t.Errorf("%s: %s: %s", c.profile, name, v)
				}
			}
			if strings.Contains(h.Get("Content-Encoding"), "aws-chunked") || r.ProtoMajor != 1 {
				t.Errorf("%s: encoding %q, protocol %s", c.profile, h.Get("Content-Encoding"), r.Proto)
			}
			if c.profile == "generic" {
				for name := range h {
					if strings.HasPrefix(name, "X-Amz-Checksum") {
						t.Errorf("%s is sent to a store that may not know it", name)
					}
				}
			}
		}
	}
}

func TestGatewayThatRewritesRequests(t *testing.T) {
	p := profile(t, "generic")
	p.SignAcceptEnc, p.XID = false, false
	client, requests := watch(t, p, nil)
	client.Head(t.Context(), "k")
	client.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, md5Body([]byte("x")))
	for range 2 {
		r := <-requests
		if strings.Contains(strings.ToLower(r.Header.Get("Authorization")), "accept-encoding") || r.URL.Query().Has("x-id") {
			t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Authorization"))
		}
	}
	client, requests = watch(t, profile(t, "aws"), nil)
	client.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, body([]byte("x")))
	if r := <-requests; !r.URL.Query().Has("x-id") {
		t.Errorf("%s", r.URL)
	}
}

func TestRequesterPays(t *testing.T) {
	client, requests := watch(t, profile(t, "aws"), func(c *s3.Config) { c.RequesterPays = true })
	client.Head(t.Context(), "k")
	r := <-requests
	if r.Header.Get("X-Amz-Request-Payer") != "requester" || !strings.Contains(r.Header.Get("Authorization"), "x-amz-request-payer") {
		t.Errorf("headers %v", r.Header)
	}
}

func TestAnonymousIsNotSigned(t *testing.T) {
	client, requests := watch(t, profile(t, "aws"), func(c *s3.Config) { c.Credentials = s3.Credentials{Anonymous: true} })
	client.Head(t.Context(), "k")
	if r := <-requests; r.Header.Get("Authorization") != "" {
		t.Errorf("headers %v", r.Header)
	}
}

func TestDigestOfDeletes(t *testing.T) {
	for name, want := range map[string]string{"aws": "X-Amz-Checksum-Crc32", "generic": "Content-Md5"} {
		client, requests := watch(t, profile(t, name), nil)
		client.DeleteMany(t.Context(), []string{"a", "b"})
		r := <-requests
		if r.Header.Get(want) == "" || !strings.Contains(string(r.body), "<Key>a</Key>") {
			t.Errorf("%s: headers %v, body %s", name, r.Header, r.body)
		}
		if name == "generic" && (r.Header.Get("X-Amz-Checksum-Crc32") != "" || r.Header.Get("X-Amz-Sdk-Checksum-Algorithm") != "") {
			t.Errorf("%s: headers %v", name, r.Header)
		}
	}
}

func TestChecksumIsDeclared(t *testing.T) {
	for name, want := range map[string]string{"aws": "CRC64NVME FULL_OBJECT", "minio": " ", "generic": " "} {
		client, requests := watch(t, profile(t, name), nil)
		client.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{})
		r := <-requests
		if got := r.Header.Get("X-Amz-Checksum-Algorithm") + " " + r.Header.Get("X-Amz-Checksum-Type"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCompleteOnTheWire(t *testing.T) {
	client, requests := watch(t, profile(t, "aws"), nil)
	parts := []objstore.Part{{Number: 1, ETag: "aa", Size: 3}, {Number: 5, ETag: "bb", Size: 2}}
	opts := objstore.CompleteOptions{Condition: objstore.Condition{Absent: true}, Size: 5, Digest: objstore.SumOf(objstore.CRC64NVME, []byte("abcde"))}
	client.Complete(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, parts, opts)
	r := <-requests
	h := r.Header
	if h.Get("If-None-Match") != "*" || h.Get("X-Amz-Mp-Object-Size") != "5" || h.Get("X-Amz-Checksum-Crc64nvme") == "" || h.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
		t.Errorf("headers %v", h)
	}
	if strings.Contains(string(r.body), "&#34;") || !strings.Contains(string(r.body), "<ETag>aa</ETag>") || !strings.Contains(string(r.body), "<PartNumber>5</PartNumber>") {
		t.Errorf("body %s", r.body)
	}
}

func TestCustomerKeysOnTheWire(t *testing.T) {
	sse := objstore.SSE{Mode: "c", CustomerKey: bytes.Repeat([]byte{7}, 32)}
	const prefix = "X-Amz-Server-Side-Encryption-Customer-"
	client, requests := watch(t, profile(t, "aws"), nil)
	client.Put(t.Context(), "k", body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{SSE: sse}})
	client.Get(t.Context(), "k", objstore.GetOptions{SSE: sse})
	client.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u", SSE: sse}, 1, body([]byte("x")))
	for range 3 {
		h := (<-requests).Header
		if h.Get(prefix+"Algorithm") != "AES256" || h.Get(prefix+"Key") != "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" || h.Get(prefix+"Key-Md5") == "" {
			t.Errorf("headers %v", h)
		}
	}
}

// TestNotSent has the client refuse what the store would, before it asks.
func TestNotSent(t *testing.T) {
	p := profile(t, "generic")
	client, requests := watch(t, p, nil)
	ctx := t.Context()
	up := objstore.UploadRef{Key: "k", ID: "u"}
	big := objstore.Body{Reader: bytes.NewReader(nil), Size: p.MaxPut + 1}
	errs := map[string]error{}
	_, errs["condition"] = client.Put(ctx, "k", md5Body(nil), objstore.PutOptions{Condition: objstore.Condition{Absent: true}})
	_, errs["size"] = client.Put(ctx, "k", big, objstore.PutOptions{})
	_, errs["part size"] = client.UploadPart(ctx, up, 1, big)
	_, errs["part number"] = client.UploadPart(ctx, up, 0, md5Body(nil))
	_, errs["digest"] = client.UploadPart(ctx, up, 1, objstore.Body{Digest: objstore.Digest{Algorithm: "SHA3"}})
	_, errs["metadata"] = client.Put(ctx, "k", md5Body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{"a": "b\nc"}}})
	_, errs["expires"] = client.Put(ctx, "k", md5Body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Expires: "soon"}})
	_, errs["encryption"] = client.Put(ctx, "k", md5Body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{SSE: objstore.SSE{Mode: "sm4"}}})
	_, errs["key"] = client.Head(ctx, strings.Repeat("k", 1025))
	_, errs["copy size"] = client.UploadPartCopy(ctx, up, 1, objstore.CopySource{Key: "s", Length: p.MaxCopy + 1})
	_, errs["nothing to complete"] = client.Complete(ctx, up, nil, objstore.CompleteOptions{})
	_, _, errs["range"] = client.Get(ctx, "k", objstore.GetOptions{Offset: -1})
	for name, err := range errs {
		if e := errorOf(t, err); e.Sent || e.Status != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(requests); n != 0 {
		t.Errorf("%d requests were sent, of which the first is %s %s", n, (<-requests).Method, (<-requests).URL)
	}
}
