// Package objstore is the contract between sluicefs and an object store.
//
// # Vocabulary
//
//   - An object is an immutable run of bytes under a key; replacing it changes
//     its ETag. An ETag is kept exactly as the store sent it, without the
//     surrounding quotes, and is opaque unless the [Profile] says otherwise.
//   - An upload is an unfinished multipart upload, named by its id. Its parts
//     are numbered from 1. Nothing is visible under the key before Complete.
//   - A digest is a checksum of a body that travels with the request so that
//     the store can refuse a body that changed on its way.
//   - A [Profile] is what is known of one kind of store, as data. No code
//     outside this package and its adapters asks which vendor it talks to.
//
// # Layers
//
// Every layer implements [Store], so they stack:
//
//	s3 | mem ── the stores themselves: one attempt per call
//	fault    ── fails, delays, truncates or loses the nth call, for tests
//	meter    ── counts attempts
//	retry    ── repeats what can heal, for as long as the mount allows
//
// Only retry repeats a request. The adapters make exactly one attempt and say
// with the error what became of it.
//
// # Contract
//
// All methods may be called at the same time from any number of goroutines.
// The context ends the attempt; an attempt that was ended may still take effect
// at the store. Slices and maps that are passed in are not kept after the
// call returns and are not changed; what is returned belongs to the caller.
// Errors are of type [*Error] and match one of the kinds in errors.go with
// errors.Is; context errors match context.Canceled or DeadlineExceeded.
package objstore
