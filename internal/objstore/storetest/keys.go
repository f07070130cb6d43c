package storetest

import (
	"slices"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var keyTests = []test{
	{"Odd", testOddKeys},
	{"Wild", testWildKeys},
	{"TooLong", testKeyTooLong},
	{"Nearly", testNearlySameKeys},
}

// oddKeys are names that a file may have and that something on the way to the
// store may take for something else.
func (b *bench) oddKeys() []string {
	keys := []string{
		"a b", " leading", "trailing ", "two  spaces", "plus+sign", "percent%41", "100%", "%2F", "a%2Fb",
		`double"quote`, "single'quote", "back\\slash", "amp&ersand", "less<greater>", "semi;colon", "a=b", "a?b=c", "hash#tag",
		"tilde~", "at@sign", "colon:name", "comma,name", "dollar$", "star*", "excl!", "(parens)", "[brackets]", "{braces}",
		"pipe|", "caret^", "grave`", "ümlaut", "e\u0301 decomposed", "日本語/ファイル", "emoji 😀", "tab\tname", "new\nline",
		"dot.", ".hidden", "..two", "...", "-dash", "_under", "dir with space/file", "UPPER", "lower",
		strings.Repeat("s", 255), strings.Repeat("s", 254) + "/" + strings.Repeat("t", 200), strings.Repeat("m", b.profile.Key.MaxSegment),
		"very/" + strings.Repeat("long segment of a key/", 46) + "1234567",
	}
	return slices.DeleteFunc(keys, func(k string) bool { return b.profile.CheckKey(k) != nil })
}

func testOddKeys(b *bench) {
	keys := b.oddKeys()
	for i, key := range keys {
		b.put(key, []byte{byte(i)})
	}
	slices.Sort(keys)
	got, _ := b.list(objstore.ListOptions{})
	if len(got) != len(keys) {
		b.Errorf("%d keys are listed, %d were put", len(got), len(keys))
	}
	for i := range min(len(got), len(keys)) {
		if got[i] != keys[i] {
			b.Fatalf("listed as %q, put as %q", got[i], keys[i])
		}
	}
	for i, key := range b.oddKeys() {
		b.holds(key, []byte{byte(i)})
		b.roundTrip(key)
	}
	failed, err := b.store.DeleteMany(b.Context(), keys)
	b.must(err, "delete all")
	for key, err := range failed {
		b.Errorf("delete %q: %v", key, err)
	}
	if left, _ := b.list(objstore.ListOptions{}); len(left) > 0 {
		b.Errorf("left: %q", left)
	}
}

// roundTrip uses a key in all the places in which one can stand.
func (b *bench) roundTrip(key string) {
	b.Helper()
	page, err := b.store.List(b.Context(), objstore.ListOptions{Prefix: key})
	b.must(err, "list with prefix")
	if len(page.Objects) == 0 || page.Objects[0].Key != key {
		b.Errorf("%q is not found by itself as prefix: %+v", key, page.Objects)
	}
	info := b.head(key)
	const copied = "copy of odd"
	_, err = b.store.Copy(b.Context(), copied, objstore.CopySource{Key: key, IfMatch: info.ETag}, objstore.CopyOptions{})
	b.must(err, "copy from "+key)
	_, err = b.store.Copy(b.Context(), key, objstore.CopySource{Key: copied}, objstore.CopyOptions{})
	b.must(err, "copy to "+key)
	b.must(b.store.Delete(b.Context(), copied), "delete copy")
	up := b.begin(key)
	p := b.part(up, 1, []byte("multipart"))
	parts, err := b.store.ListParts(b.Context(), up, 0)
	b.must(err, "list parts of "+key)
	if len(parts.Parts) != 1 {
		b.Errorf("%q has %d parts", key, len(parts.Parts))
	}
	if b.listsUploads() {
		uploads, err := b.store.ListUploads(b.Context(), objstore.ListUploadsOptions{Prefix: key})
		b.must(err, "list uploads of "+key)
		if len(uploads.Uploads) != 1 || uploads.Uploads[0].Key != key || uploads.Uploads[0].ID != up.ID {
			b.Errorf("uploads of %q: %+v", key, uploads.Uploads)
		}
	}
	b.complete(up, p)
	b.holds(key, []byte("multipart"))
}

// testWildKeys uses keys that S3 does not promise to take, or that XML cannot say.
// A store may refuse them, but not change them.
func testWildKeys(b *bench) {
	for _, key := range []string{"control\x01byte", "escape\x1b[0m", "delete\x7f", "bad utf8 \xff\xfe", "latin1 \xe9t\xe9", "cr\rname", "nonchar\uffff"} {
		_, err := b.store.Put(b.Context(), key, b.body([]byte(key)), objstore.PutOptions{})
		if err != nil {
			b.want(err, objstore.ErrInvalid, "put of a wild key")
			continue
		}
		got, _ := b.list(objstore.ListOptions{})
		if len(got) != 1 || got[0] != key {
			b.Errorf("%q is listed as %q", key, got)
		}
		b.holds(key, []byte(key))
		up := b.begin(key)
		b.complete(up, b.part(up, 1, []byte("multipart")))
		b.holds(key, []byte("multipart"))
		failed, err := b.store.DeleteMany(b.Context(), []string{key})
		if err != nil || len(failed) != 0 {
			b.Errorf("delete %q: %v, %v", key, failed, err)
		}
		b.absent(key)
	}
}

func testKeyTooLong(b *bench) {
	key := strings.Repeat("long segment/", b.profile.Key.MaxBytes/13+1)
	_, err := b.store.Put(b.Context(), key, b.body(nil), objstore.PutOptions{})
	b.want(err, objstore.ErrKeyTooLong, "put")
	_, err = b.store.CreateMultipart(b.Context(), key, objstore.ObjectOptions{})
	b.want(err, objstore.ErrKeyTooLong, "begin upload")
	if n := b.profile.Key.MaxSegment; n > 0 {
		_, err := b.store.Put(b.Context(), "d/"+strings.Repeat("s", n+1), b.body(nil), objstore.PutOptions{})
		b.want(err, objstore.ErrKeyTooLong, "put of a long segment")
	}
	_, err = b.store.Put(b.Context(), "", b.body(nil), objstore.PutOptions{})
	b.want(err, objstore.ErrInvalid, "put without a name")
}

// testNearlySameKeys has names that a careless encoding would make one.
func testNearlySameKeys(b *bench) {
	keys := []string{"a b", "a+b", "a%20b", "a%2Bb", "A b"}
	for _, key := range keys {
		b.put(key, []byte(key))
	}
	for _, key := range keys {
		b.holds(key, []byte(key))
	}
	b.must(b.store.Delete(b.Context(), "a b"), "delete")
	for _, key := range keys[1:] {
		b.holds(key, []byte(key))
	}
}
