package uploader

import (
	"crypto/rand"
	"encoding/hex"
)

// newNonce names this mount among all that use the bucket.
func newNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the program if it would
	return hex.EncodeToString(b[:])
}
