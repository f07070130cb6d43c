package storetest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// bench is a store under test and what the tests do to it again and again.
// Whatever fails here that is not asked for ends the test.
type bench struct {
	*testing.T
	store   objstore.Store
	profile *objstore.Profile
}

// random makes n bytes that are the same for the same seed.
func random(seed uint64, n int64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	r.Read(b)
	return b
}

// body carries the digest that the profile asks for.
func (b *bench) body(data []byte) objstore.Body {
	return objstore.Body{
		Reader: bytes.NewReader(data), Size: int64(len(data)),
		Digest: objstore.SumOf(b.profile.Digest, data),
	}
}

// want checks the kind of an error: nil means that there must be none.
func (b *bench) want(err, kind error, what string) {
	b.Helper()
	if !errors.Is(err, kind) || kind == nil && err != nil {
		b.Errorf("%s: error %v, want %v", what, err, kind)
	}
	var e *objstore.Error
	if err != nil && !errors.As(err, &e) {
		b.Errorf("%s: error %v is no *objstore.Error", what, err)
	}
}

func (b *bench) must(err error, what string) {
	b.Helper()
	if err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

func (b *bench) put(key string, data []byte) objstore.Info {
	b.Helper()
	return b.putWith(key, data, objstore.PutOptions{})
}

func (b *bench) putWith(key string, data []byte, opts objstore.PutOptions) objstore.Info {
	b.Helper()
	info, err := b.store.Put(b.Context(), key, b.body(data), opts)
	b.must(err, "put "+key)
	return info
}

func (b *bench) head(key string) objstore.Info {
	b.Helper()
	info, err := b.store.Head(b.Context(), key)
	b.must(err, "head "+key)
	return info
}

// read gets a range of an object, or fails.
func (b *bench) read(key string, opts objstore.GetOptions) []byte {
	b.Helper()
	r, _, err := b.store.Get(b.Context(), key, opts)
	b.must(err, "get "+key)
	defer r.Close()
	data, err := io.ReadAll(r)
	b.must(err, "read "+key)
	return data
}

// holds checks an object's bytes.
func (b *bench) holds(key string, want []byte) {
	b.Helper()
	if got := b.read(key, objstore.GetOptions{}); !bytes.Equal(got, want) {
		b.Errorf("%s holds %d bytes that are not the %d expected", key, len(got), len(want))
	}
}

// absent checks that there is no object.
func (b *bench) absent(key string) {
	b.Helper()
	_, err := b.store.Head(b.Context(), key)
	b.want(err, objstore.ErrNotFound, "head of what should not be there")
}

// get returns only the error of a Get.
func (b *bench) get(key string, opts objstore.GetOptions) error {
	r, _, err := b.store.Get(b.Context(), key, opts)
	if err == nil {
		r.Close()
	}
	return err
}

// list returns all names that a listing shows, over all its pages.
func (b *bench) list(opts objstore.ListOptions) (keys, prefixes []string) {
	b.Helper()
	for {
		page, err := b.store.List(b.Context(), opts)
		b.must(err, "list")
		for _, o := range page.Objects {
			keys = append(keys, o.Key)
		}
		prefixes = append(prefixes, page.Prefixes...)
		if page.Token == "" {
			return keys, prefixes
		}
		opts.Token = page.Token
	}
}

// begin begins an upload, which ends with the test if it was not completed.
func (b *bench) begin(key string) objstore.UploadRef {
	b.Helper()
	return b.beginWith(key, objstore.ObjectOptions{})
}

func (b *bench) beginWith(key string, opts objstore.ObjectOptions) objstore.UploadRef {
	b.Helper()
	id, err := b.store.CreateMultipart(b.Context(), key, opts)
	b.must(err, "begin upload of "+key)
	return objstore.UploadRef{Key: key, ID: id}
}

func (b *bench) part(up objstore.UploadRef, number int32, data []byte) objstore.Part {
	b.Helper()
	p, err := b.store.UploadPart(b.Context(), up, number, b.body(data))
	b.must(err, "upload part")
	if p.Number != number || p.Size != int64(len(data)) || p.ETag == "" {
		b.Fatalf("part %d of %d bytes is acknowledged as %+v", number, len(data), p)
	}
	return p
}

func (b *bench) complete(up objstore.UploadRef, parts ...objstore.Part) objstore.Info {
	b.Helper()
	info, err := b.store.Complete(b.Context(), up, parts, objstore.CompleteOptions{})
	b.must(err, "complete "+up.Key)
	return info
}

// full is data for a part of the smallest size.
func (b *bench) full(seed uint64) []byte { return random(seed, b.profile.Part.Min) }

// hasMD5 tells whether ETags of single bodies are their MD5.
func (b *bench) hasMD5() bool { return b.profile.PartETag == objstore.ETagMD5 }
