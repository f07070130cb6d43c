// Package keypath holds the rules by which keys of a bucket are paths of a file
// system. All of it is pure.
//
// # Vocabulary
//
//   - A key is the name of an object. "/" separates its segments.
//   - A name is one segment, as a directory entry has it.
//   - A directory is named by the prefix of all that is in it: "" is the root,
//     "a/b/" is the directory b in a. A directory's prefix is also the key of
//     its marker, an empty object that keeps it when nothing is in it.
//
// # Rules
//
// A path can hold a key if every segment is a valid name: not empty, so neither
// "//" nor a leading "/" occurs, not "." or "..", no NUL in it, and at most
// [MaxName] bytes long. Bytes are otherwise taken as they are: names need not be
// UTF-8 and are not folded or normalized. Keys that no path can hold are skipped
// in listings and refused before anything is made under them.
package keypath
