// Package s3server starts real S3 servers on this machine, for tests and for
// the demo.
//
// The servers are versitygw (a bucket is a folder, an object is a file in it, so
// what arrived can be compared on disk) and MinIO (a second opinion on the
// protocol). Both are pinned in tools/ and built into .bin/ by tools/build.sh;
// Start runs that script, so a program that is missing or older than its pin is
// built before it is used, once, also when test packages run in parallel.
//
// # What a server is given
//
// A free port on 127.0.0.1, a folder of its own, and a secret key made for it
// alone. It takes path-style addresses and signatures for Region. Nothing of it
// can be reached from another machine.
//
// # How a server ends
//
// By [Process.Stop], which the functions for tests register with tb.Cleanup. A
// program that ends without calling Stop (killed, timed out, crashed) takes its
// servers with it: the kernel kills them with their parent, and the folder goes
// too if this package made it (package scratch).
//
// A server is in a process group of its own: the ^C that a terminal sends to a
// test or to the demo does not reach it, so that they can still unmount
// against a living store.
package s3server
