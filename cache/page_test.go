package cache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestETagsAreUnpackedAsTheyWere(t *testing.T) {
	md5 := "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		etag   string
		packed int
	}{
		{md5, 17},
		{md5 + "-1", 18},
		{md5 + "-10000", 22},
		{strings.ToUpper(md5), 33},
		{md5 + "-", 34},
		{md5 + "-01", 36},
		{md5 + "-70000", 39},
		{md5 + "-x", 35},
		{md5[1:], 32},
		{"-", 2},
		{"opaque", 7},
		{"", 1},
	} {
		packed := appendETag([]byte("before"), c.etag)
		if got := unpackETag(string(packed[6:])); got != c.etag || len(packed)-6 != c.packed {
			t.Errorf("%q came back as %q from %d bytes, want %d", c.etag, got, len(packed)-6, c.packed)
		}
	}
	if unpackETag("") != "" {
		t.Error("nothing is an ETag")
	}
}

func FuzzETag(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef-12")
	f.Fuzz(func(t *testing.T, etag string) {
		if got := unpackETag(string(appendETag(nil, etag))); got != etag {
			t.Fatalf("%q came back as %q", etag, got)
		}
	})
}

func TestPage(t *testing.T) {
	at := time.Unix(1700000000, 123456789).UTC()
	long := strings.Repeat("e", 300)
	p := newPage(mark{}, "d/", "b", objstore.ListPage{
		Objects: []objstore.Info{
			{Key: "d/a"}, // in front of what was asked for
			{Key: "d/b", Size: 1 << 40, ETag: "xyz", ModTime: at, StorageClassSeen: "GLACIER"},
			{Key: "d/c", ETag: long, StorageClassSeen: "GLACIER"},
			{Key: "d/hide"},
			{Key: "d/\xff"},
			{Key: "e/f"}, // not of this directory
		},
		Prefixes: []string{"d//", "d/c/", "d/g/"},
		Token:    "more",
	}, func(key string) bool { return key == "d/hide" })
	var labels []string
	for i := range p.records {
		labels = append(labels, p.label(i))
	}
	if fmt.Sprintf("%q", labels) != `["b" "c" "c/" "g/" "\xff"]` || !p.skipped || p.end != "\xff" || p.last {
		t.Errorf("%q, %+v", labels, p)
	}
	want := objstore.Info{Key: "d/b", Size: 1 << 40, ETag: "xyz", ModTime: at, StorageClassSeen: "GLACIER"}
	if got := p.info(0); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := p.info(1); got.ETag != "" || !got.ModTime.IsZero() || got.StorageClassSeen != "GLACIER" {
		t.Errorf("%+v", got)
	}
	for label, covered := range map[string]bool{"": false, "a": false, "b": true, "bb": true, "\xff": true, "\xff\x00": false} {
		if p.covers(label) != covered {
			t.Errorf("covers(%q) is %v", label, !covered)
		}
	}
	if !p.hasDir(1) || p.hasDir(0) || p.hasDir(4) {
		t.Error("hasDir")
	}
}

func TestPageEnds(t *testing.T) {
	info := func(keys ...string) (page objstore.ListPage) {
		for _, k := range keys {
			page.Objects = append(page.Objects, objstore.Info{Key: k})
		}
		page.Token = "more"
		return page
	}
	for _, c := range []struct {
		last string
		file string
		dir  bool
	}{
		{"b", "a", true}, {"b", "b", false}, {"b.", "b", false}, {"b0", "b", true}, {"b.c", "b.", true}, {"b.!", "b.", false}, {"b/", "b", true},
	} {
		p := newPage(mark{}, "", "", info(c.last), nil)
		if p.coversDir(c.file) != c.dir || p.covers(c.file+"/") != c.dir {
			t.Errorf("a page up to %q: coversDir(%q) is %v, covers is %v", c.last, c.file, p.coversDir(c.file), p.covers(c.file+"/"))
		}
	}
	empty := newPage(mark{}, "", "", info(), nil)
	if empty.covers("") || empty.following() != "" {
		t.Error("an empty page that is not the last knows something")
	}
	last := newPage(mark{}, "", "", objstore.ListPage{}, nil)
	if !last.covers("") || !last.covers("\xff\xff") {
		t.Error("an empty directory is not known")
	}
}

// TestBefore: what begins behind before(x) must show x.
func TestBefore(t *testing.T) {
	for _, label := range []string{"a", "file1234", "!", "\"", " ", "0", "\x7f", "é", "aé", "日本", "\xff", "\x80\x80", "x.", "~"} {
		if b := before(label); b >= label || strings.HasPrefix(after(b), label) {
			t.Errorf("%q is not before %q", b, label)
		}
	}
}

// TestMemoryOfEntries holds the size of a cached entry, which doc.go states.
func TestMemoryOfEntries(t *testing.T) {
	var list objstore.ListPage
	for i := range 1000 {
		list.Objects = append(list.Objects, objstore.Info{
			Key: fmt.Sprintf("dir/a-file-name-%08d.bin", i), Size: 12345, ETag: fmt.Sprintf("%032x", i), ModTime: time.Unix(1700000000, 0),
		})
	}
	if per := newPage(mark{}, "dir/", "", list, nil).cost() / 1000; per > 72 {
		t.Errorf("%d bytes for an entry with a name of 28 bytes", per)
	}
}
