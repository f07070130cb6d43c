// Package probe finds out by their effect what a store can do: it does what a mount
// would do, on scratch keys, and looks at what came of it.
//
// # Vocabulary
//
//   - A check is one question and its answer. Where the answer differs from what the
//     profile says, it carries the option that corrects the profile.
//   - A store keeps a guard if it refuses what the guard forbids; it ignores one
//     if it takes the request as if there were none, which no error tells.
//   - A store is safe to mount with a profile if what a mount relies on, by that
//     profile, was seen to hold.
//
// Nothing is believed for want of an error: a digest is verified only if a wrong one
// was refused, and a guard kept only if a second writer was.
//
// # What it leaves
//
// Nothing. All keys lie below one prefix with a name of its own; they are deleted, and
// uploads under them ended, also if the caller gives up meanwhile. What could not
// be removed is in the report.
package probe
