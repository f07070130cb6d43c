// Package s3 is the [objstore.Store] that talks to a real store over the S3
// protocol. It is the only package that imports the AWS SDK.
//
// # One attempt
//
// Each call is one request (Copy asks once more for the size of a source that
// was refused). The SDK's own retries, checksums, Expect and trailers are off:
// digests come with the bodies, and package retry repeats.
//
// # Beside the SDK
//
// HEAD, GET, PUT and DELETE of an object and the parts of one, which a mount sends
// by the thousand, are put together by [direct], from what the SDK was asked once.
// The exchange carries their answers, whichever way they went, so that one code
// reads both.
//
// # How a body is sent
//
// The SDK would copy a body twice, 32 KiB at a time. Here, a body takes a path of
// its own, of which the SDK knows only the length:
//
//	Client ── exchange ──► transport ──► net/http ──► conn.ReadFrom ──► outBody.sendTo ──► socket
//	             (in the context of the request)       sees the outBody through net/http's wrappers
//
// A reader with a WriteTo goes to the socket straight from its own memory, from many
// places of it with one call of the system where the connection is plain; others
// go through a pooled buffer. When the call returns, nobody reads the body any
// more: transport.Do waits for that, and breaks the connection if it must.
//
// # Who reads an answer
//
// GET and HEAD are sent, and their answers read, by the goroutine that wants them
// ([lines]). All others, and what goes through a proxy, are net/http's, whose own
// goroutines send and receive.
//
// # Pools of connections
//
// Bodies that are sent, bodies that are read, and everything else have a pool
// each. Readers that keep a body open can so never keep writers from a
// connection, and a HEAD never waits for either.
//
// # Errors
//
// failure in errors.go is the only place that makes an *objstore.Error of what
// the SDK or the network say. An exchange remembers what the SDK forgets: whether
// a connection was had, the status and headers of the answer, and whether the
// answer broke off.
package s3
