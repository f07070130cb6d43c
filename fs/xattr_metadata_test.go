package fs

import (
	"bytes"
	"maps"
	"testing"
)

func TestXattrs(t *testing.T) {
	for kept, want := range map[string]xattrs{
		"":                                  nil,
		"%7B%22user.foo%22%3A%22YmFy%22%7D": {"user.foo": []byte("bar")}, // as s3fs writes it
		`{"user.foo":"YmFy"}`:               {"user.foo": []byte("bar")},
		"%7B%22user.a%22%3A%22%22%2C%22user.b%22%3A%22AP8%3D%22%7D": {"user.a": {}, "user.b": {0, 255}},
		"nonsense": nil,
		"%zz":      nil,
		`["x"]`:    nil,
	} {
		got := decodeXattrs(kept)
		if !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("decodeXattrs(%q) = %q, want %q", kept, got, want)
		}
		if again := decodeXattrs(want.encode()); !maps.EqualFunc(again, want, bytes.Equal) {
			t.Errorf("%q comes back as %q", want, again)
		}
	}
	if got, want := (xattrs{"user.foo": []byte("bar")}).encode(), "%7B%22user.foo%22%3A%22YmFy%22%7D"; got != want {
		t.Errorf("encode = %q, want %q", got, want)
	}
	odd := xattrs{"user. ü\"\\+%": []byte("+ %")}
	if got := decodeXattrs(odd.encode()); !maps.EqualFunc(got, odd, bytes.Equal) {
		t.Errorf("%q comes back as %q", odd, got)
	}
	if got := (xattrs{}).encode(); got != "" {
		t.Errorf("nothing is kept as %q", got)
	}
}
