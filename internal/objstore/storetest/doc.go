// Package storetest is the conformance suite of [objstore.Store]: what its
// contract promises, asked of a store by its effect. It runs on the stores in
// memory, on the decorators, on the S3 adapter against a server in this process,
// and against real servers.
//
// A test asks only for what the store's [objstore.Profile] says that it can. What
// the profile denies must be refused, not ignored: a guard that is ignored is
// the worst that a store can do.
package storetest
