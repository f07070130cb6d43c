// Package fault is a decorator that makes a store fail by a script, for tests.
//
// # Vocabulary
//
//   - A [Rule] says which calls it is for and what becomes of them. Rules are
//     looked at in the order in which they were added; the first that is for
//     the call and has not run out decides, and it alone.
//   - A [Gate] holds calls until the test lets them go. No rule sleeps: a test
//     always knows what the store is waiting for.
//
// What a caller sees is what it would see of a real store over a network: where
// the caller could not know whether the request took effect, the error says so
// with Sent.
package fault
