package keypath

import (
	"iter"
	"strings"
)

// Join is the key of the file of that name in a directory.
func Join(dir, name string) string { return dir + name }

// JoinDir is the directory of that name in a directory.
func JoinDir(dir, name string) string { return dir + name + "/" }

// IsDir reports that a key is a directory's, and an object under it a marker.
func IsDir(key string) bool { return key == "" || key[len(key)-1] == '/' }

// Split is the directory that a key is in and its name there. The "/" at the
// end of a directory belongs to neither: "a/b/" is b in "a/", as "a/b" is. The
// root is "" in "".
func Split(key string) (dir, name string) {
	key = strings.TrimSuffix(key, "/")
	i := strings.LastIndexByte(key, '/') + 1
	return key[:i], key[i:]
}

// Ancestors yields the directories that exist because the key does, from the
// one that holds it up to the one below the root: of "a/b/c" and of "a/b/c/"
// they are "a/b/" and "a/".
func Ancestors(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		dir, _ := Split(key)
		for dir != "" && yield(dir) {
			dir, _ = Split(dir)
		}
	}
}
