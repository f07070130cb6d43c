package byname_test

import (
	"mime"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/byname"
)

func TestTypeOfAName(t *testing.T) {
	types := byname.CommonTypes()
	for path, want := range map[string]string{
		"a.jpg": "image/jpeg", "dir/A.JPG": "image/jpeg", "a.tar.gz": "application/gzip", "x.html": "text/html",
		"jpg": "", ".jpg": "", "dir.jpg/file": "", "a.": "", "a.unknown": "", ".a.jpg": "image/jpeg", "": "", "dir/": "",
	} {
		if got := types.Of(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got := (byname.Types)(nil).Of("a.jpg"); got != "" {
		t.Errorf("of no types: %q", got)
	}
}

func TestBuiltInTypesAreTypes(t *testing.T) {
	for ending, kind := range byname.CommonTypes() {
		if _, _, err := mime.ParseMediaType(kind); err != nil || ending != strings.ToLower(ending) {
			t.Errorf("%q: %q: %v", ending, kind, err)
		}
	}
}

func TestTypesOfAFile(t *testing.T) {
	types, err := byname.CommonTypes().With(strings.NewReader(
		"# comment\n\nimage/x-own  JPG .jpeg # here too\ntext/html;charset=utf-8 html\napplication/none\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.jpg": "image/x-own", "a.jpeg": "image/x-own", "a.html": "text/html; charset=utf-8", "a.png": "image/png",
	} {
		if got := types.Of(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if byname.CommonTypes().Of("a.jpg") != "image/jpeg" {
		t.Error("the built-in types were changed")
	}
	_, err = byname.CommonTypes().With(strings.NewReader("image/png png\njpg image/jpeg\n"), "types.conf")
	if err == nil || !strings.Contains(err.Error(), "types.conf, line 2") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a wrong line: %v", err)
	}
}
