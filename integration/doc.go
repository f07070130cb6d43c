// Package integration holds the tests that mount: with real servers, a real kernel
// and the programs people use. `make test` runs all of them.
//
//	go test ./integration                          the rules of the source tree; no mount
//	go test -tags integration ./integration/...    everything, once
//	make race-mounts                               a part, test and program under the race detector
//	make single                                    the same part on one thread of Go
//	go test -tags integration ./integration -run TestModel -model.seeds 1000000
//
// # What they stand on
//
// Tests of sentences of docs/SEMANTICS.md, of go-fuse's POSIX suite and of the model
// mount in their own process (mounttest). They do not run in parallel: a program
// that one of them starts is, for a moment, given the files that another has open,
// and closes them, which stores them. For the same reason, tests that run in
// parallel leave it to other processes to hold files of a mount open; theirs are
// mounts by the program itself (realMount), with a server that they share or an
// HTTP server over a store in memory, which fails as they want. make runs both kinds
// at once, in several processes of this package.
//
// # Rules
//
//   - A sentence with an id in docs/SEMANTICS.md has a test of that name in
//     semantics_*_test.go, and TestSemanticsAreTested holds both together.
//   - Nothing is skipped unseen: testrun fails a run in which a test was skipped that
//     is not in its table; tests of other suites that do not apply are in tables
//     with their reason and sentence.
//   - Nothing stays behind, also of tests that are killed: everything is in a folder
//     of package scratch, see TestNothingStays.
//   - Nobody waits for a time to pass, only for something to be so.
package integration
