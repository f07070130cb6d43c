package s3_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// keyOf is a customer's key made of one letter.
func keyOf(letter string) s3.CustomerKey { return s3.CustomerKey(strings.Repeat(letter, 32)) }

func read(t *testing.T, c *s3.Client, key string) string {
	t.Helper()
	r, _, err := c.Get(t.Context(), key, objstore.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestKeyGoesWithEveryRequest does all that can be done with an object of a
// customer's key, without naming the key, at a store that insists on it.
func TestKeyGoesWithEveryRequest(t *testing.T) {
	p := profile(t, "aws")
	p.Part.Min = 1
	m := mem.New(p)
	srv := serve(t, m)
	c := dial(t, srv, p, func(cfg *s3.Config) { cfg.CustomerKey = keyOf("k") })
	sse := objstore.SSE{Mode: "c"}
	opts := objstore.ObjectOptions{SSE: sse}
	if _, err := c.Put(t.Context(), "put", body([]byte("content")), objstore.PutOptions{ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(t.Context(), "copy", objstore.CopySource{Key: "put"}, objstore.CopyOptions{ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	id, err := c.CreateMultipart(t.Context(), "parts", opts)
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "parts", ID: id, SSE: sse}
	first, err := c.UploadPart(t.Context(), up, 1, body([]byte("new ")))
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.UploadPartCopy(t.Context(), up, 2, objstore.CopySource{Key: "copy", SSE: sse})
	if err != nil {
		t.Fatal(err)
	}
	if page, err := c.ListParts(t.Context(), up, 0); err != nil || len(page.Parts) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if _, err := c.Complete(t.Context(), up, []objstore.Part{first, second}, objstore.CompleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"put": "content", "copy": "content", "parts": "new content"} {
		if info, err := c.Head(t.Context(), key); err != nil || info.SSE.Mode != "c" {
			t.Errorf("head of %s: %+v, %v", key, info.SSE, err)
		}
		if got := read(t, c, key); got != want {
			t.Errorf("%s has %q, want %q", key, got, want)
		}
		if _, stored, _ := m.Object(key); stored.SSE.Mode != "c" {
			t.Errorf("%s is not encrypted", key)
		}
	}
	other := dial(t, srv, p, func(cfg *s3.Config) { cfg.CustomerKey = keyOf("x") })
	if _, err := other.Head(t.Context(), "put"); !errors.Is(err, objstore.ErrAccessDenied) {
		t.Errorf("head with another key: %v", err)
	}
}

// TestBucketOfObjectsWithAndWithoutKey reads what is not encrypted with the key,
// and makes it the source of what is.
func TestBucketOfObjectsWithAndWithoutKey(t *testing.T) {
	p := profile(t, "aws")
	p.Part.Min = 1
	m := mem.New(p)
	srv := serve(t, m)
	if _, err := dial(t, srv, p, nil).Put(t.Context(), "plain", body([]byte("content")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, srv, p, func(cfg *s3.Config) { cfg.CustomerKey = keyOf("k") })
	if info, err := c.Head(t.Context(), "plain"); err != nil || info.SSE.Mode != "" {
		t.Errorf("%+v, %v", info.SSE, err)
	}
	if got := read(t, c, "plain"); got != "content" {
		t.Errorf("%q", got)
	}
	sse := objstore.SSE{Mode: "c"}
	id, err := c.CreateMultipart(t.Context(), "parts", objstore.ObjectOptions{SSE: sse})
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "parts", ID: id, SSE: sse}
	if _, err := c.UploadPartCopy(t.Context(), up, 1, objstore.CopySource{Key: "plain", SSE: sse}); err != nil {
		t.Errorf("part of a plain object: %v", err)
	}
	if _, err := c.Copy(t.Context(), "copy", objstore.CopySource{Key: "plain"}, objstore.CopyOptions{ObjectOptions: objstore.ObjectOptions{SSE: sse}}); err != nil {
		t.Fatal(err)
	}
	if _, info, _ := m.Object("copy"); info.SSE.Mode != "c" {
		t.Error("the copy is not encrypted")
	}
	if _, err := c.Head(t.Context(), "nothing"); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("head of nothing: %v", err)
	}
}

func TestCustomerKeyIsNotPrinted(t *testing.T) {
	cfg := s3.Config{Bucket: "b", CustomerKey: keyOf("k")}
	secrets := []string{"kkkk", "6b6b", "107 107", "0x6b, 0x6b", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 6))}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, value := range []any{cfg, cfg.CustomerKey} {
			text := fmt.Sprintf(format, value)
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s prints %s", format, text)
				}
			}
		}
	}
	cfg.CustomerKey = cfg.CustomerKey[1:]
	if _, err := s3.New(t.Context(), cfg); !errors.Is(err, objstore.ErrInvalid) || strings.Contains(err.Error(), "kkk") {
		t.Errorf("a key of 31 bytes: %v", err)
	}
}

// TestTagsOfAnotherObject are read when they are needed, and only then.
func TestTagsOfAnotherObject(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, nil)
	tags := map[string]string{"a b": "c&d", "e": ""}
	if _, err := c.Put(t.Context(), "k", body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Tags: tags}}); err != nil {
		t.Fatal(err)
	}
	info, err := c.Head(t.Context(), "k")
	if err != nil || info.TagsFrom != "k" || info.Tags != nil {
		t.Fatalf("%+v, %v", info.ObjectOptions, err)
	}
	if n := m.Calls(objstore.OpTags); n != 0 {
		t.Errorf("%d requests for tags before they are needed", n)
	}
	kept := objstore.ObjectOptions{TagsFrom: info.TagsFrom, ContentType: "a/b"}
	if _, err := c.Put(t.Context(), "k", body([]byte("new")), objstore.PutOptions{ObjectOptions: kept}); err != nil {
		t.Fatal(err)
	}
	id, err := c.CreateMultipart(t.Context(), "parts", kept)
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
	before := m.Calls(objstore.OpTags)
	if _, err := c.Copy(t.Context(), "copy", objstore.CopySource{Key: "k"}, objstore.CopyOptions{Replace: true, ObjectOptions: kept}); err != nil {
		t.Fatal(err)
	}
	if m.Calls(objstore.OpTags) != before {
		t.Error("a copy asked for the tags that the store copies by itself")
	}
	for _, key := range []string{"k", "parts", "copy"} {
		if _, got, _ := m.Object(key); len(got.Tags) != 2 || got.Tags["a b"] != "c&d" {
			t.Errorf("%s has the tags %v", key, got.Tags)
		}
	}
	if _, err := c.Put(t.Context(), "new", body(nil), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{TagsFrom: "gone"}}); err != nil {
		t.Errorf("tags of an object that is gone: %v", err)
	}
}

// TestGrantsOverTheWire also go with a copy, which inherits none.
func TestGrantsOverTheWire(t *testing.T) {
	p := profile(t, "aws")
	m := mem.New(p)
	c := dial(t, serve(t, m), p, nil)
	opts := objstore.ObjectOptions{Grants: objstore.Grants{FullControl: `id="a"`, Read: `id="b"`, ReadACP: `id="c"`, WriteACP: `id="d"`}}
	if _, err := c.Put(t.Context(), "put", body(nil), objstore.PutOptions{ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(t.Context(), "copy", objstore.CopySource{Key: "put"}, objstore.CopyOptions{ObjectOptions: opts}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"put", "copy"} {
		if _, got, _ := m.Object(key); got.Grants != opts.Grants {
			t.Errorf("%s has %+v", key, got.Grants)
		}
	}
}
