//go:build smallchunks

package uploader

// chunkSize is small where the model plays millions of sequences: what they visit
// is the same, with a small part of the bytes to hash and to copy.
const chunkSize = 1 << 10
