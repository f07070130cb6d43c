package mounttable

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links in a row the kernel follows.
const maxLinks = 40

// Resolve makes the path of a mountpoint absolute and free of symbolic links, as the
// kernel's table of mounts has it. What is mounted there is asked nothing: where its
// daemon has ended or hangs, it would fail or never answer. Of a path whose directory
// cannot be reached nothing is resolved.
func Resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the mountpoint: %w", err)
	}
	next := abs
	for range maxLinks {
		full, err := resolveParent(next)
		if err != nil {
			return abs, nil
		}
		if _, mounted, err := At(full); err != nil {
			return "", err
		} else if mounted {
			return full, nil
		}
		target, err := os.Readlink(full)
		if err != nil { // no link, or not there
			return full, nil
		}
		if next = target; !filepath.IsAbs(target) {
			next = filepath.Dir(full) + "/" + target // not cleaned: ".." behind a link is not where it seems
		}
	}
	return abs, nil
}

// resolveParent resolves all but the last part of an absolute path.
func resolveParent(path string) (string, error) {
	dir, last := filepath.Split(strings.TrimRight(path, "/"))
	if last == "" || last == "." || last == ".." { // these name a directory only together with what is before them
		return filepath.EvalSymlinks(path)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, last), nil
}
