// Package retry is a decorator that repeats what can heal, for as long as a
// mount is willing to wait, and no faster than the store can bear. It is the
// only place in sluicefs that repeats a request.
//
// # Vocabulary
//
//   - A call is what the caller asked for; an attempt is one request to the
//     store underneath. An attempt has a time limit of its own.
//   - A lane is a bound on attempts under way. Bodies, commits and everything
//     else have a lane each, so that a HEAD never waits behind parts, and never
//     behind a Complete that takes minutes. A lane narrows when the store
//     throttles and widens with every success.
//
// # What an error tells
//
// The error of a call is that of its last attempt. Error.Sent is true if any of
// its attempts may have taken effect. So ErrPrecondition or ErrNoSuchUpload with
// Sent does not say who made the object: the caller looks at it to know. A
// CreateMultipart that is repeated after such an attempt may leave an upload
// behind of which nobody knows the id; the bucket's lifecycle rule is for that.
//
// # Waiting
//
// A call waits for a place in its lane, and between attempts, without holding a
// place. Both end at once with its context. A Get holds its place until its body
// begins, not while the body is read: a reader that stops reading must not keep
// writers from sending.
//
// # Locks
//
// lane.mu is the only one and a leaf.
package retry
