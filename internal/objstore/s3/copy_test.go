package s3_test

import (
	"errors"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

func TestCopyOfTooLargeAnObject(t *testing.T) {
	p := profile(t, "aws")
	p.MaxCopy = 10
	c := dial(t, serve(t, mem.New(p)), p, nil)
	if _, err := c.Put(t.Context(), "large", body(make([]byte, 11)), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(t.Context(), "k", objstore.CopySource{Key: "large"}, objstore.CopyOptions{}); !errors.Is(err, objstore.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := c.Copy(t.Context(), "large", objstore.CopySource{Key: "large"}, objstore.CopyOptions{}); errors.Is(err, objstore.ErrInvalid) == errors.Is(err, objstore.ErrTooLarge) {
		t.Errorf("onto itself: %v", err)
	}
}

func TestArchivedOverTheWire(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, nil)
	opts := objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{StorageClass: "GLACIER"}}
	if _, err := c.Put(t.Context(), "k", body(nil), opts); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Head(t.Context(), "k"); err != nil || !info.Restore || info.StorageClassSeen != "GLACIER" {
		t.Errorf("head: %+v, %v", info, err)
	}
	if _, _, err := c.Get(t.Context(), "k", objstore.GetOptions{}); !errors.Is(err, objstore.ErrArchived) {
		t.Errorf("get: %v", err)
	}
	m.Restore("k")
	if info, err := c.Head(t.Context(), "k"); err != nil || info.Restore {
		t.Errorf("head after restoring: %+v, %v", info, err)
	}
}

func TestPropertiesOverTheWire(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, nil)
	opts := objstore.ObjectOptions{
		StorageClass: "STANDARD_IA", ACL: "private", Expires: "Wed, 21 Oct 2037 07:28:00 GMT",
		Tags: map[string]string{"a b": "c&d", "e": "f=g"},
		SSE:  objstore.SSE{Mode: "kms", KMSKeyID: "some-key", KMSContext: "e30=", BucketKey: true},
	}
	if _, err := c.Put(t.Context(), "put", body(nil), objstore.PutOptions{ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	id, err := c.CreateMultipart(t.Context(), "parts", opts)
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "parts", ID: id}
	part, err := c.UploadPart(t.Context(), up, 1, body([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(t.Context(), up, []objstore.Part{part}, objstore.CompleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(t.Context(), "copy", objstore.CopySource{Key: "put"}, objstore.CopyOptions{Replace: true, ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"put", "parts", "copy"} {
		_, got, _ := m.Object(key)
		if got.StorageClass != "STANDARD_IA" || got.ACL != "private" || got.Expires != opts.Expires ||
			len(got.Tags) != 2 || got.Tags["a b"] != "c&d" || got.SSE.Mode != "kms" || got.SSE.KMSKeyID != "some-key" ||
			got.SSE.KMSContext != "e30=" || !got.SSE.BucketKey {
			t.Errorf("%s has %+v", key, got.ObjectOptions)
		}
		head, err := c.Head(t.Context(), key)
		if err != nil || head.StorageClassSeen != "STANDARD_IA" || head.SSE.Mode != "kms" || head.SSE.KMSKeyID != "some-key" || head.Expires != opts.Expires {
			t.Errorf("head of %s: %+v, %v", key, head, err)
		}
	}
}
