package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func sumOf(text string) digest { return sha256.Sum256([]byte(text)) }

func TestTreeReadsAFolder(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a/one": "1", "a/none": ""} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tr := newTree()
	if err := tr.addFolder(root, "a"); err != nil {
		t.Fatal(err)
	}
	got := map[string]digest{"a/one": sumOf("1"), "a/none": sumOf("")}
	if lines := tr.differences(got); len(lines) > 0 || tr.bytes != 1 || !tr.dirs["a"] || !tr.dirs["a/empty"] {
		t.Errorf("differences %q, %d bytes, folders %v", lines, tr.bytes, tr.dirs)
	}
	if err := os.Symlink("one", filepath.Join(root, "a", "link")); err != nil {
		t.Fatal(err)
	}
	if err := tr.addFolder(root, "a"); err == nil {
		t.Error("a symbolic link is taken for a file")
	}
}

func TestDifferences(t *testing.T) {
	want := newTree()
	want.files = map[string]digest{"a": sumOf("a"), "b": sumOf("b")}
	tests := []struct {
		name string
		got  map[string]digest
		want []string
	}{
		{"None", map[string]digest{"a": sumOf("a"), "b": sumOf("b")}, nil},
		{"Missing", map[string]digest{"a": sumOf("a")}, []string{"b is missing"}},
		{"Changed", map[string]digest{"a": sumOf("a"), "b": sumOf("")}, []string{"b has other contents"}},
		{"More", map[string]digest{"a": sumOf("a"), "b": sumOf("b"), ".x": {}}, []string{".x should not be there"}},
		{"All", map[string]digest{"c": {}, "b": {}}, []string{"a is missing", "b has other contents", "c should not be there"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := want.differences(tt.got); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseSums(t *testing.T) {
	const one = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" // of "1"
	got, err := parseSums(one + "  ./a/b c\n" + one + "  ./d\n")
	if err != nil || len(got) != 2 || got["a/b c"] != sumOf("1") || got["d"] != sumOf("1") {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"no sum\n", "6b86  ./a\n", one + "  a\n", "\\" + one + "  ./a\\nb\n"} {
		if got, err := parseSums(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, got)
		}
	}
}
