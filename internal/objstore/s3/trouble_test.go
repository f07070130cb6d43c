package s3_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

func body(data []byte) objstore.Body {
	return objstore.Body{
		Reader: bytes.NewReader(data), Size: int64(len(data)),
		Digest: objstore.SumOf(objstore.CRC64NVME, data),
	}
}

// errorOf returns the error as what it must be.
func errorOf(t *testing.T, err error) *objstore.Error {
	t.Helper()
	var e *objstore.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *objstore.Error", err)
	}
	return e
}

// TestWhatBecomesOfARequest has the server fail in each way.
func TestWhatBecomesOfARequest(t *testing.T) {
	for _, c := range []struct {
		name string
		rule fault.Rule
		kind error
		sent bool
	}{
		{"500", fault.Rule{Mode: fault.Fail, Status: 500}, objstore.ErrUnavailable, true},
		{"502", fault.Rule{Mode: fault.Fail, Status: 502}, objstore.ErrUnavailable, true},
		{"slow down", fault.Rule{Mode: fault.Fail, Status: 503, Code: "SlowDown", RetryAfter: 3 * time.Second}, objstore.ErrThrottled, false},
		{"denied", fault.Rule{Mode: fault.Fail, Status: 403, Code: "AccessDenied"}, objstore.ErrAccessDenied, false},
		{"expired", fault.Rule{Mode: fault.Fail, Kind: objstore.ErrExpired}, objstore.ErrExpired, false},
		{"full", fault.Rule{Mode: fault.Fail, Kind: objstore.ErrNoSpace}, objstore.ErrNoSpace, false},
		{"dropped", fault.Rule{Mode: fault.Drop}, objstore.ErrBroken, true},
		{"answer lost", fault.Rule{Mode: fault.LoseAnswer}, objstore.ErrBroken, true},
		{"corrupted", fault.Rule{Mode: fault.Corrupt, At: 5}, objstore.ErrBadDigest, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profile(t, "aws")
			f := fault.New(mem.New(p))
			client := dial(t, serve(t, f), p, nil)
			f.Add(c.rule)
			_, err := client.Put(t.Context(), "k", body([]byte("some bytes")), objstore.PutOptions{})
			e := errorOf(t, err)
			if !errors.Is(err, c.kind) || e.Sent != c.sent || e.RetryAfter != c.rule.RetryAfter {
				t.Errorf("error %v, sent %v, retry after %v; want %v, %v", err, e.Sent, e.RetryAfter, c.kind, c.sent)
			}
			if e.Status != 0 && e.RequestID == "" {
				t.Errorf("no request id: %+v", e)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := profile(t, "aws")
	c := dial(t, &httptest.Server{URL: "http://" + l.Addr().String()}, p, nil)
	err = c.HeadBucket(t.Context())
	if e := errorOf(t, err); !errors.Is(err, objstore.ErrUnavailable) || e.Sent || errors.Is(err, objstore.ErrBroken) {
		t.Errorf("error %v, sent %v", err, e.Sent)
	}
}

// stub serves one answer to everything, and gives its client.
func stub(t *testing.T, p objstore.Profile, answer http.HandlerFunc) *s3.Client {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	return dial(t, srv, p, nil)
}

func complete(t *testing.T, c *s3.Client, opts objstore.CompleteOptions) (objstore.Info, error) {
	t.Helper()
	up := objstore.UploadRef{Key: "k", ID: "u"}
	return c.Complete(t.Context(), up, []objstore.Part{{Number: 1, ETag: "e", Size: 3}}, opts)
}

func TestAnswersToComplete(t *testing.T) {
	const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	for _, c := range []struct {
		name   string
		status int
		answer string
		kind   error
		sent   bool
	}{
		{"done", 200, xmlHead + `<CompleteMultipartUploadResult><ETag>"x-1"</ETag></CompleteMultipartUploadResult>`, nil, false},
		{"done, after waiting", 200, xmlHead + "   \n  " + `<CompleteMultipartUploadResult><ETag>&quot;x-1&quot;</ETag></CompleteMultipartUploadResult>`, nil, false},
		{"error in 200", 200, xmlHead + `<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>`, objstore.ErrUnavailable, true},
		{"unknown error in 200", 200, xmlHead + `<Error><Code>Odd</Code></Error>`, objstore.ErrUnavailable, true},
		{"empty", 200, "", objstore.ErrInternal, true},
		{"another document", 200, `{"callback":"done"}`, objstore.ErrInternal, true},
		{"without ETag", 200, xmlHead + `<CompleteMultipartUploadResult></CompleteMultipartUploadResult>`, objstore.ErrInternal, true},
		{"cut off", 200, xmlHead + `<CompleteMultipartUploadResult><ETag>"x`, objstore.ErrInternal, true},
		{"gone", 404, xmlHead + `<Error><Code>NoSuchUpload</Code></Error>`, objstore.ErrNoSuchUpload, false},
		{"gone, says only the status", 404, "", objstore.ErrNoSuchUpload, false},
		{"page of a proxy", 502, "<html><body>Bad Gateway<br></body></html>", objstore.ErrUnavailable, true},
		{"conflict", 409, xmlHead + `<Error><Code>ConditionalRequestConflict</Code></Error>`, objstore.ErrConflict, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				io.WriteString(w, c.answer)
			})
			info, err := complete(t, client, objstore.CompleteOptions{})
			if c.kind == nil {
				if err != nil || info.ETag != "x-1" || info.Size != 3 {
					t.Errorf("%+v, %v", info, err)
				}
				return
			}
			if e := errorOf(t, err); !errors.Is(err, c.kind) || e.Sent != c.sent {
				t.Errorf("error %v, sent %v; want %v, %v", err, e.Sent, c.kind, c.sent)
			}
		})
	}
}

func TestAnswerThatBreaksOff(t *testing.T) {
	c := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "<ListBucketResult>")
	})
	_, err := c.List(t.Context(), objstore.ListOptions{})
	if !errors.Is(err, objstore.ErrUnavailable) || !errors.Is(err, objstore.ErrBroken) {
		t.Errorf("list: %v", err)
	}
	_, err = complete(t, c, objstore.CompleteOptions{})
	if !errors.Is(err, objstore.ErrUnavailable) || !errorOf(t, err).Sent {
		t.Errorf("complete: %v", err)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	c := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("ETag", `"e"`)
		io.WriteString(w, "abc")
	})
	r, info, err := c.Get(t.Context(), "k", objstore.GetOptions{})
	if err != nil || info.Size != 1000 {
		t.Fatalf("%+v, %v", info, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if string(data) != "abc" || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("%q, %v", data, err)
	}
}

func TestRangeThatIsIgnored(t *testing.T) {
	c := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "the whole object")
	})
	if _, _, err := c.Get(t.Context(), "k", objstore.GetOptions{Offset: 4, Length: 5}); !errors.Is(err, objstore.ErrInternal) {
		t.Errorf("got %v", err)
	}
}

// TestWrongEcho has the store acknowledge other bytes than were sent.
func TestWrongEcho(t *testing.T) {
	data := []byte("some bytes")
	for name, answer := range map[string]http.HandlerFunc{
		"aws": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")
		},
		"md5":     func(w http.ResponseWriter, r *http.Request) {},
		"generic": nil,
	} {
		p := profile(t, "aws")
		b := body(data)
		if name != "aws" {
			p = profile(t, "generic")
			b.Digest = objstore.SumOf(objstore.ContentMD5, data)
		}
		if name == "md5" {
			p.PartETag = objstore.ETagMD5
		}
		c := stub(t, p, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", `"00000000000000000000000000000000"`)
			if answer != nil {
				answer(w, r)
			}
		})
		_, putErr := c.Put(t.Context(), "k", b, objstore.PutOptions{})
		_, partErr := c.UploadPart(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, 1, b)
		if answer == nil { // an opaque ETag proves nothing
			if putErr != nil || partErr != nil {
				t.Errorf("%s: %v, %v", name, putErr, partErr)
			}
			continue
		}
		for _, err := range []error{putErr, partErr} {
			if !errors.Is(err, objstore.ErrBadDigest) || !errorOf(t, err).Sent {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestWrongEchoOfTheWhole(t *testing.T) {
	c := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `<CompleteMultipartUploadResult><ETag>"x-1"</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CompleteMultipartUploadResult>`)
	})
	_, err := complete(t, c, objstore.CompleteOptions{Digest: objstore.SumOf(objstore.CRC64NVME, []byte("abc"))})
	if !errors.Is(err, objstore.ErrInvalidPart) || errorOf(t, err).Sent || objstore.Retryable(err) {
		t.Errorf("got %v: sent again, it would pass for done", err)
	}
}

// TestDoubtDone has a server complete what it does not know.
func TestDoubtDone(t *testing.T) {
	p := profile(t, "versitygw")
	etag, more := atomic.Pointer[string]{}, atomic.Pointer[string]{}
	c := stub(t, p, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			if e := etag.Load(); e != nil {
				w.Header().Set("ETag", *e)
				return
			}
			w.WriteHeader(404)
			return
		}
		var known string
		if m := more.Load(); m != nil {
			known = *m
		}
		io.WriteString(w, `<CompleteMultipartUploadResult><ETag>"x-1"</ETag>`+known+`</CompleteMultipartUploadResult>`)
	})
	for _, there := range []string{"", `"other"`, `"x-1"`} {
		if there != "" {
			etag.Store(&there)
		}
		_, err := complete(t, c, objstore.CompleteOptions{})
		if there == `"x-1"` {
			if err != nil {
				t.Errorf("its own object: %v", err)
			}
		} else if !errors.Is(err, objstore.ErrNoSuchUpload) || !errorOf(t, err).Sent {
			t.Errorf("with object %s: %v", there, err)
		}
	}
	other, known := `"other"`, "<ChecksumType>FULL_OBJECT</ChecksumType>"
	etag.Store(&other)
	more.Store(&known)
	if _, err := complete(t, c, objstore.CompleteOptions{}); err != nil {
		t.Errorf("made, and replaced since: %v", err)
	}
}

func TestBucketElsewhere(t *testing.T) {
	c := stub(t, profile(t, "aws"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amz-bucket-region", "eu-west-7")
		w.Header().Set("Location", "http://192.0.2.1/")
		w.WriteHeader(301)
	})
	err := c.HeadBucket(t.Context())
	if !errors.Is(err, objstore.ErrInvalid) || !strings.Contains(err.Error(), "eu-west-7") {
		t.Errorf("got %v", err)
	}
}

func TestNoBucket(t *testing.T) {
	p := profile(t, "aws")
	c := dial(t, serve(t, mem.New(p)), p, func(cfg *s3.Config) { cfg.Bucket = "another" })
	if err := c.HeadBucket(t.Context()); !errors.Is(err, objstore.ErrNoSuchBucket) {
		t.Errorf("head bucket: %v", err)
	}
	if _, err := c.Put(t.Context(), "k", body(nil), objstore.PutOptions{}); !errors.Is(err, objstore.ErrNoSuchBucket) {
		t.Errorf("put: %v", err)
	}
}
