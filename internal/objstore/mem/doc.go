// Package mem is an [objstore.Store] in memory that holds callers to the rules
// of S3, as the [objstore.Profile] states them: part sizes and numbers, the
// order of parts, digests, conditions, lengths of keys, pages of listings, and
// nothing visible under a key before Complete. What passes here for want of a
// rule would fail at a real store, so a rule that is missing is a bug.
//
// # Vocabulary
//
//   - A blob is an immutable run of bytes held as a list of slices. Objects and
//     parts are blobs; copies and Complete share the slices and move no bytes.
//   - An object is a blob with properties. It is never changed once it is in the
//     map: replacing swaps the pointer, so a reader keeps what it opened.
//
// # Locks
//
// Store.mu guards everything, and is never held while a caller's body is read
// or bytes are hashed for a Put or an UploadPart. There is no other lock.
package mem
