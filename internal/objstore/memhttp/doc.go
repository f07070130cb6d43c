// Package memhttp serves an [objstore.Store] over HTTP as an S3 server would, so
// that the real adapter, and programs that know only S3, can be tried against
// the stores of packages mem and fault, with the rules of any profile.
//
// Signatures are not verified: only who signed is looked at, if the
// [Personality] asks for it.
//
// # Faults
//
// A store that answers with an error that has a status gives that status, its
// code and message. One without (fault.Drop, fault.LoseAnswer, …) breaks the
// connection. Between the handler and the client anything can be put that
// net/http can do.
package memhttp
