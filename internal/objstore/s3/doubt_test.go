package s3_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestCompleteThatForgetsTheETag has a server answer as Ceph 16 does. The object tells
// whether it is the one that the parts make.
func TestCompleteThatForgetsTheETag(t *testing.T) {
	const made = "af5da9f45af7a300e3aded972f8ff687-1" // of a part whose MD5 is that of "abc"
	parts := []objstore.Part{{Number: 1, ETag: "900150983cd24fb0d6963f7d28e17f72", Size: 3}}
	p := profile(t, "ceph")
	if got := p.JoinedETag(parts); got != made {
		t.Fatalf("the parts make %s", got)
	}
	for there, want := range map[string]error{made: nil, "another": objstore.ErrNoSuchUpload} {
		c := stub(t, p, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("ETag", `"`+there+`"`)
				return
			}
			io.WriteString(w, "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Key>k</Key><ETag></ETag></CompleteMultipartUploadResult>\x00")
		})
		info, err := c.Complete(t.Context(), objstore.UploadRef{Key: "k", ID: "u"}, parts, objstore.CompleteOptions{})
		if !errors.Is(err, want) || want == nil && (err != nil || info.ETag != made) {
			t.Errorf("%s is there: %+v, %v", there, info, err)
		}
	}
}

// TestFailingCompleteOfAnEndedUpload has a server that answers 500 for an upload that
// is gone: to repeat that would take as long as the mount is patient.
func TestFailingCompleteOfAnEndedUpload(t *testing.T) {
	for answer, want := range map[string]error{
		"NoSuchKey": objstore.ErrNoSuchUpload, "NoSuchUpload": objstore.ErrNoSuchUpload, "": objstore.ErrUnavailable,
	} {
		c := stub(t, profile(t, "ceph"), func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(500)
				io.WriteString(w, "<Error><Code>InternalError</Code><Message>This multipart completion is already in progress</Message></Error>")
			case answer == "":
				io.WriteString(w, "<ListPartsResult></ListPartsResult>")
			default:
				w.WriteHeader(404)
				io.WriteString(w, "<Error><Code>"+answer+"</Code></Error>")
			}
		})
		_, err := complete(t, c, objstore.CompleteOptions{})
		if e := errorOf(t, err); !errors.Is(err, want) || !e.Sent {
			t.Errorf("%q: %v, sent %v", answer, err, e.Sent)
		}
	}
}

// TestSourcesAreLookedAt copies from a store that ignores which version was meant.
func TestSourcesAreLookedAt(t *testing.T) {
	p := profile(t, "ceph")
	m := mem.New(p)
	c := visit(t, m, p)
	put := func(text string) objstore.Info {
		info, err := c.Put(t.Context(), "src", md5Body([]byte(text)), objstore.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	old, now := put("old"), put(strings.Repeat("new", 3<<20))
	up := objstore.UploadRef{Key: "dst"}
	var err error
	if up.ID, err = c.CreateMultipart(t.Context(), "dst", objstore.ObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	for etag, want := range map[string]error{old.ETag: objstore.ErrPrecondition, now.ETag: nil, "": nil} {
		src := objstore.CopySource{Key: "src", IfMatch: etag}
		if _, err := c.Copy(t.Context(), "dst", src, objstore.CopyOptions{}); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("copy of %q: %v", etag, err)
		}
		src.Length = 6 << 20
		if _, err := c.UploadPartCopy(t.Context(), up, 1, src); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("copy of a part of %q: %v", etag, err)
		}
	}
	if err := c.Abort(t.Context(), up); err != nil {
		t.Error(err)
	}
}
