package objstore

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
)

// JoinedETag returns the ETag of the object that parts make, where it follows from
// theirs, and "" elsewhere.
func (p *Profile) JoinedETag(parts []Part) string {
	if p.FinalETag != ETagMD5OfMD5 || p.PartETag != ETagMD5 {
		return ""
	}
	h := md5.New()
	for i := range parts {
		raw, err := hex.DecodeString(parts[i].ETag)
		if err != nil || len(raw) != md5.Size {
			return ""
		}
		h.Write(raw)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}
