package keypath_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/keypath"
)

func TestValidName(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
	}{
		{"a", nil},
		{"with space", nil},
		{"new\nline", nil},
		{`%+"'\`, nil},
		{"\xff\xfe", nil},
		{"...", nil},
		{".a", nil},
		{strings.Repeat("x", 255), nil},
		{"", keypath.ErrInvalid},
		{".", keypath.ErrInvalid},
		{"..", keypath.ErrInvalid},
		{"a\x00b", keypath.ErrInvalid},
		{"a/b", keypath.ErrInvalid},
		{"/", keypath.ErrInvalid},
		{strings.Repeat("x", 256), keypath.ErrTooLong},
		{strings.Repeat("é", 128), keypath.ErrTooLong},
		{strings.Repeat("x", 300) + "/", keypath.ErrInvalid},
	} {
		if err := keypath.ValidName(c.name); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestValidKey(t *testing.T) {
	for _, c := range []struct {
		key  string
		want error
	}{
		{"", nil},
		{"a", nil},
		{"a/", nil},
		{"a/b/c", nil},
		{"a/b/c/", nil},
		{"/", keypath.ErrInvalid},
		{"/a", keypath.ErrInvalid},
		{"a//b", keypath.ErrInvalid},
		{"a//", keypath.ErrInvalid},
		{"a/./b", keypath.ErrInvalid},
		{"../b", keypath.ErrInvalid},
		{"a/b\x00", keypath.ErrInvalid},
		{"a/" + strings.Repeat("x", 256) + "/b", keypath.ErrTooLong},
	} {
		if err := keypath.ValidKey(c.key); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.key, err, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ key, dir, name string }{
		{"", "", ""},
		{"a", "", "a"},
		{"a/", "", "a"},
		{"a/b", "a/", "b"},
		{"a/b/", "a/", "b"},
		{"a/b/c", "a/b/", "c"},
		{"a//b", "a//", "b"},
	} {
		if dir, name := keypath.Split(c.key); dir != c.dir || name != c.name {
			t.Errorf("%q: %q, %q; want %q, %q", c.key, dir, name, c.dir, c.name)
		}
	}
}

func TestAncestors(t *testing.T) {
	for _, c := range []struct {
		key  string
		want []string
	}{
		{"", nil},
		{"a", nil},
		{"a/", nil},
		{"a/b", []string{"a/"}},
		{"a/b/", []string{"a/"}},
		{"a/b/c", []string{"a/b/", "a/"}},
	} {
		if got := slices.Collect(keypath.Ancestors(c.key)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.key, got, c.want)
		}
	}
}

// FuzzKey holds the rules against each other, for any key.
func FuzzKey(f *testing.F) {
	for _, key := range []string{"", "a", "a/b", "a/b/", "//", "a//b", "./..", "\x00", "\xff/\n", strings.Repeat("x", 300) + "/y"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		dir, name := keypath.Split(key)
		valid := keypath.ValidKey(key) == nil
		if !valid || key == "" {
			return
		}
		if err := keypath.ValidName(name); err != nil {
			t.Fatalf("name %q of the valid key %q: %v", name, key, err)
		}
		if !keypath.IsDir(dir) || keypath.ValidKey(dir) != nil {
			t.Fatalf("directory %q of the valid key %q is not one", dir, key)
		}
		joined := keypath.Join(dir, name)
		if keypath.IsDir(key) {
			joined = keypath.JoinDir(dir, name)
		}
		if joined != key {
			t.Fatalf("%q split and joined is %q", key, joined)
		}
		last := key
		for a := range keypath.Ancestors(key) {
			if !keypath.IsDir(a) || a == "" || !strings.HasPrefix(last, a) || a == last || keypath.ValidKey(a) != nil {
				t.Fatalf("ancestor %q of %q after %q", a, key, last)
			}
			last = a
		}
		if strings.Count(strings.TrimSuffix(last, "/"), "/") != 0 {
			t.Fatalf("the ancestors of %q end at %q", key, last)
		}
	})
}

// FuzzName checks that names are what a key can be joined of, and nothing else.
func FuzzName(f *testing.F) {
	for _, name := range []string{"", ".", "..", "a", "a/b", "a\x00", strings.Repeat("y", 256)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := keypath.ValidName(name)
		if err != nil && !errors.Is(err, keypath.ErrInvalid) && !errors.Is(err, keypath.ErrTooLong) {
			t.Fatalf("%q: %v", name, err)
		}
		key := keypath.Join("d/", name)
		if dir, got := keypath.Split(key); err == nil && (dir != "d/" || got != name) {
			t.Fatalf("%q came back as %q in %q", name, got, dir)
		}
		if err == nil && keypath.ValidKey(key) != nil {
			t.Fatalf("valid name %q makes the key %q that is not", name, key)
		}
	})
}
