package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// digest is a SHA-256.
type digest [sha256.Size]byte

// tree is a set of files by their contents, and the folders they are in; names
// are relative, with slashes.
type tree struct {
	files map[string]digest
	dirs  map[string]bool
	bytes int64 // of all files together
}

func newTree() tree { return tree{files: map[string]digest{}, dirs: map[string]bool{}} }

// addFolder reads the folder root/name, under the name.
func (t *tree) addFolder(root, name string) error {
	return filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			t.dirs[filepath.ToSlash(rel)] = true
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file: the demo compares none else", path)
		}
		return t.addFile(filepath.ToSlash(rel), path)
	})
}

func (t *tree) addFile(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, n, err := digestOf(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	t.files[name] = sum
	t.bytes += n
	return nil
}

// digestOf reads everything.
func digestOf(r io.Reader) (sum digest, n int64, err error) {
	h := sha256.New()
	n, err = io.Copy(h, r)
	return digest(h.Sum(nil)), n, err
}

// differences returns a line for each file that got has otherwise than t, in the
// order of their names.
func (t *tree) differences(got map[string]digest) []string {
	var lines []string
	for name, sum := range t.files {
		switch other, there := got[name]; {
		case !there:
			lines = append(lines, name+" is missing")
		case other != sum:
			lines = append(lines, name+" has other contents")
		}
	}
	for name := range got {
		if _, wanted := t.files[name]; !wanted {
			lines = append(lines, name+" should not be there")
		}
	}
	slices.Sort(lines)
	return lines
}

// merge adds what another tree has.
func (t *tree) merge(o tree) {
	maps.Copy(t.files, o.files)
	maps.Copy(t.dirs, o.dirs)
	t.bytes += o.bytes
}
