package cache

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// The forms in which an ETag is packed: as it is, as the 16 bytes of its 32
// digits, or as these and the decimal digits that follow a "-".
const (
	etagPlain = iota
	etagMD5
	etagParts
)

// appendETag packs an ETag: those that nearly all stores make take 17 bytes
// instead of 32 or more.
func appendETag(b []byte, etag string) []byte {
	digits, count, cut := strings.Cut(etag, "-")
	if len(digits) == 32 && isLowerHex(digits) {
		form := byte(etagMD5)
		if cut {
			form = etagParts
		}
		if n, err := strconv.ParseUint(count, 10, 16); !cut || err == nil && strconv.FormatUint(n, 10) == count {
			b, _ = hex.AppendDecode(append(b, form), []byte(digits))
			return append(b, count...)
		}
	}
	return append(append(b, etagPlain), etag...)
}

// unpackETag is the ETag that was packed. Nothing unpacks to "".
func unpackETag(packed string) string {
	switch {
	case packed == "":
		return ""
	case packed[0] == etagPlain:
		return packed[1:]
	}
	b := make([]byte, 0, 48)
	b = hex.AppendEncode(b, []byte(packed[1:17]))
	if packed[0] == etagParts {
		b = append(append(b, '-'), packed[17:]...)
	}
	return string(b)
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
