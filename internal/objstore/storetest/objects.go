package storetest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var objectTests = []test{
	{"PutHeadGet", testPutHeadGet},
	{"Bucket", func(b *bench) { b.must(b.store.HeadBucket(b.Context()), "head bucket") }},
	{"Empty", testEmpty},
	{"ReplacedWhole", testReplaced},
	{"NotThere", testNotThere},
	{"Ranges", testRanges},
	{"RangeOutside", testRangeOutside},
	{"GetIfMatch", testGetIfMatch},
	{"Properties", testProperties},
	{"TooMuchMetadata", testTooMuchMetadata},
	{"BodyFromItsStart", testBodyFromItsStart},
	{"BodyOfAnotherSize", testBodyOfAnotherSize},
	{"ContextEnded", testContextEnded},
	{"GetBodyClosedEarly", testGetBodyClosedEarly},
}

func testPutHeadGet(b *bench) {
	data := random(1, 100_000)
	began := time.Now()
	put := b.put("dir/file", data)
	if put.Key != "dir/file" || put.Size != int64(len(data)) || put.ETag == "" || strings.Contains(put.ETag, `"`) {
		b.Errorf("put tells %+v", put)
	}
	head := b.head("dir/file")
	if head.Key != "dir/file" || head.Size != put.Size || head.ETag != put.ETag || !head.Full {
		b.Errorf("head tells %+v after %+v", head, put)
	}
	if age := head.ModTime.Sub(began); age < -time.Hour || age > time.Hour {
		b.Errorf("last modified %v, now %v", head.ModTime, began)
	}
	if sum := hex.EncodeToString(objstore.SumOf(objstore.ContentMD5, data).Sum); b.hasMD5() && !strings.EqualFold(head.ETag, sum) {
		b.Errorf("ETag %s is not the MD5 %s", head.ETag, sum)
	}
	r, info, err := b.store.Get(b.Context(), "dir/file", objstore.GetOptions{})
	b.must(err, "get")
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		b.Errorf("read %d bytes, %v", len(got), err)
	}
	if info.Size != head.Size || info.ETag != head.ETag {
		b.Errorf("get tells %+v", info)
	}
}

func testEmpty(b *bench) {
	for _, body := range []objstore.Body{b.body(nil), {}} {
		_, err := b.store.Put(b.Context(), "empty", body, objstore.PutOptions{})
		b.must(err, "put")
		if head := b.head("empty"); head.Size != 0 {
			b.Errorf("size %d", head.Size)
		}
		b.holds("empty", nil)
	}
	b.put("marker/", nil)
	if head := b.head("marker/"); head.Size != 0 || head.Key != "marker/" {
		b.Errorf("directory marker: %+v", head)
	}
}

func testReplaced(b *bench) {
	first := b.putWith("k", []byte("first, and longer"), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Metadata: map[string]string{"a": "1"}}})
	second := b.put("k", []byte("second"))
	if first.ETag == second.ETag {
		b.Error("the ETag did not change")
	}
	b.holds("k", []byte("second"))
	if head := b.head("k"); len(head.Metadata) != 0 {
		b.Errorf("metadata of the old object: %v", head.Metadata)
	}
}

func testNotThere(b *bench) {
	_, err := b.store.Head(b.Context(), "nope")
	b.want(err, objstore.ErrNotFound, "head")
	b.want(b.get("nope", objstore.GetOptions{}), objstore.ErrNotFound, "get")
	b.put("dir/file", []byte("x"))
	_, err = b.store.Head(b.Context(), "dir")
	b.want(err, objstore.ErrNotFound, "head of a directory that is only implied")
}

func testRanges(b *bench) {
	data := random(2, 10_000)
	b.put("k", data)
	for _, c := range []struct{ offset, length, end int64 }{
		{0, 1, 1}, {0, 10_000, 10_000}, {5, 0, 10_000}, {9_999, 1, 10_000}, {9_999, 0, 10_000},
		{1_000, 2_000, 3_000}, {9_000, 5_000, 10_000}, {0, 20_000, 10_000},
	} {
		r, info, err := b.store.Get(b.Context(), "k", objstore.GetOptions{Offset: c.offset, Length: c.length})
		b.must(err, "get")
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, data[c.offset:c.end]) {
			b.Errorf("offset %d, length %d: %d bytes, %v", c.offset, c.length, len(got), err)
		}
		if info.Size != 10_000 {
			b.Errorf("offset %d, length %d: the object's size is told as %d", c.offset, c.length, info.Size)
		}
	}
}

func testRangeOutside(b *bench) {
	b.put("k", random(3, 100))
	b.want(b.get("k", objstore.GetOptions{Offset: 100}), objstore.ErrRange, "from the end on")
	b.want(b.get("k", objstore.GetOptions{Offset: 100, Length: 10}), objstore.ErrRange, "at the end")
	b.want(b.get("k", objstore.GetOptions{Offset: 1000, Length: 10}), objstore.ErrRange, "behind the end")
}

func testGetIfMatch(b *bench) {
	old := b.put("k", []byte("old"))
	if got := b.read("k", objstore.GetOptions{IfMatch: old.ETag}); string(got) != "old" {
		b.Errorf("got %q", got)
	}
	b.put("k", []byte("new"))
	b.want(b.get("k", objstore.GetOptions{IfMatch: old.ETag}), objstore.ErrPrecondition, "get of another version")
	b.want(b.get("k", objstore.GetOptions{IfMatch: old.ETag, Offset: 1, Length: 1}), objstore.ErrPrecondition, "ranged get of another version")
}

// properties are those that every store keeps, with a name as odd as it takes.
func (b *bench) properties() objstore.ObjectOptions {
	odd := "odd-name_x.y"
	if strings.Contains(b.profile.MetaForbid, "_") {
		odd = "odd-name-x.y"
	}
	return objstore.ObjectOptions{
		ContentType:        "text/x-test; charset=utf-8",
		CacheControl:       "max-age=60",
		ContentDisposition: `attachment; filename="a b.txt"`,
		ContentEncoding:    "identity",
		ContentLanguage:    "de",
		Metadata:           map[string]string{"mtime": "1700000000.123456789", "mode": "33188", odd: "a = b; c, d"},
	}
}

func (b *bench) hasProperties(key string, want objstore.ObjectOptions) {
	b.Helper()
	got := b.head(key)
	if got.ContentType != want.ContentType || got.CacheControl != want.CacheControl ||
		got.ContentDisposition != want.ContentDisposition || got.ContentEncoding != want.ContentEncoding ||
		got.ContentLanguage != want.ContentLanguage {
		b.Errorf("%s has the properties %+v, want %+v", key, got.ObjectOptions, want)
	}
	if !maps.Equal(got.Metadata, want.Metadata) {
		b.Errorf("%s has the metadata %q, want %q", key, got.Metadata, want.Metadata)
	}
}

func testProperties(b *bench) {
	b.putWith("k", []byte("x"), objstore.PutOptions{ObjectOptions: b.properties()})
	b.hasProperties("k", b.properties())
	up := b.beginWith("m", b.properties())
	b.complete(up, b.part(up, 1, []byte("x")))
	b.hasProperties("m", b.properties())
}

func testTooMuchMetadata(b *bench) {
	opts := objstore.ObjectOptions{Metadata: map[string]string{"k": strings.Repeat("x", b.profile.MetaBytes)}}
	_, err := b.store.Put(b.Context(), "k", b.body(nil), objstore.PutOptions{ObjectOptions: opts})
	b.want(err, objstore.ErrInvalid, "put")
	_, err = b.store.CreateMultipart(b.Context(), "k", opts)
	b.want(err, objstore.ErrInvalid, "begin upload")
	opts.Metadata["k"] = opts.Metadata["k"][len("x-amz-meta-k"):]
	b.putWith("k", nil, objstore.PutOptions{ObjectOptions: opts})
}

func testBodyFromItsStart(b *bench) {
	data := random(4, 1000)
	body := b.body(data)
	body.Reader.Seek(500, io.SeekStart)
	_, err := b.store.Put(b.Context(), "k", body, objstore.PutOptions{})
	b.must(err, "put")
	b.holds("k", data)
}

func testBodyOfAnotherSize(b *bench) {
	for _, size := range []int64{999, 1001} {
		body := objstore.Body{Reader: bytes.NewReader(random(5, 1000)), Size: size}
		if _, err := b.store.Put(b.Context(), "k", body, objstore.PutOptions{}); err == nil {
			b.Errorf("a body of 1000 bytes passed for one of %d", size)
		}
		b.absent("k")
	}
}

func testContextEnded(b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := b.store.Put(ctx, "k", b.body([]byte("x")), objstore.PutOptions{})
	b.want(err, context.Canceled, "put")
	_, err = b.store.Head(ctx, "k")
	b.want(err, context.Canceled, "head")
	_, err = b.store.List(ctx, objstore.ListOptions{})
	b.want(err, context.Canceled, "list")
	if objstore.Retryable(err) {
		b.Error("the end of a context passes for something that heals")
	}
	b.put("k", random(6, 1<<20))
	ctx, cancel = context.WithCancel(b.Context())
	r, _, err := b.store.Get(ctx, "k", objstore.GetOptions{})
	b.must(err, "get")
	defer r.Close()
	cancel()
	if _, err := io.ReadAll(r); err != nil && !errors.Is(err, context.Canceled) {
		b.Errorf("reading on: %v", err)
	}
}

func testGetBodyClosedEarly(b *bench) {
	data := random(7, 1<<20)
	b.put("k", data)
	for range 3 {
		r, _, err := b.store.Get(b.Context(), "k", objstore.GetOptions{})
		b.must(err, "get")
		if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
			b.Error(err)
		}
		b.must(r.Close(), "close")
	}
	b.holds("k", data)
}
