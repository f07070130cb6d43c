//go:build !smallchunks

package uploader

// chunkSize is the unit in which memory is counted and handed out, in bytes. It
// is the most that a file with a few bytes pins, and large enough that a part
// of 8 MiB is 128 of them.
const chunkSize = 64 << 10
