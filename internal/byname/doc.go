// Package byname says which properties the name of a file gives its object.
//
// # Vocabulary
//
//   - A type is the Content-Type that goes with the ending of a name: [Types]. A
//     small table of them is built in, and the same on all machines.
//   - A rule is a line of a file: a pattern, and the properties of all objects
//     whose paths match it: [Rules].
//   - A path is a key as programs see it, below the mount: "photos/a.jpg".
//
// # Order
//
// A property comes from the last rule that names it and matches; where there is
// none, from the mount's flags; and the type, where those say nothing, from the
// ending of the name.
//
// Both are made once and never changed, so they may be shared without locks.
package byname
