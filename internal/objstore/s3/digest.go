package s3

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// digestFields are a digest as the three fields of which at most one is sent.
type digestFields struct {
	md5, crc32c, crc64nvme *string
}

func fieldsOf(d objstore.Digest) (digestFields, error) {
	encoded := base64.StdEncoding.EncodeToString(d.Sum)
	switch d.Algorithm {
	case objstore.DigestNone:
		return digestFields{}, nil
	case objstore.ContentMD5:
		return digestFields{md5: &encoded}, nil
	case objstore.CRC32C:
		return digestFields{crc32c: &encoded}, nil
	case objstore.CRC64NVME:
		return digestFields{crc64nvme: &encoded}, nil
	}
	return digestFields{}, objstore.ErrUnsupported
}

// told makes a digest of the fields of an answer. Those of objects whose parts
// were hashed apart end in "-N" and are no digest of the bytes.
func told(crc32c, crc64nvme *string) objstore.Digest {
	for _, f := range []struct {
		a     objstore.Algorithm
		value *string
	}{{objstore.CRC64NVME, crc64nvme}, {objstore.CRC32C, crc32c}} {
		if f.value == nil {
			continue
		}
		if sum, err := base64.StdEncoding.DecodeString(*f.value); err == nil && len(sum) > 0 {
			return objstore.Digest{Algorithm: f.a, Sum: sum}
		}
	}
	return objstore.Digest{}
}

// toldBy is told of the headers of an answer.
func toldBy(h http.Header) objstore.Digest {
	return told(optional(h.Get("X-Amz-Checksum-Crc32c")), optional(h.Get("X-Amz-Checksum-Crc64nvme")))
}

// acknowledge holds what the store says it got against what was sent. The
// result is the digest that both agree on; where the store tells none of its
// own, that is the one it was sent and would have refused.
func (c *Client) acknowledge(op, key string, body *objstore.Body, x *exchange, echo objstore.Digest, etag string, sse objstore.SSE) (objstore.Digest, error) {
	sent := body.Digest
	answer := c.answer(x)
	if !answer.IsZero() && answer.Algorithm == body.Answer.Algorithm && !answer.Equal(body.Answer) {
		return answer, badEcho(op, key, "the store says that it has other bytes than were sent")
	}
	switch {
	case sent.IsZero() && echo.IsZero():
		return answer, nil
	case sent.IsZero():
		return echo, nil
	}
	if echo.Algorithm == sent.Algorithm && !echo.Equal(sent) {
		return echo, badEcho(op, key, "the store acknowledged another checksum")
	}
	isMD5 := c.profile.PartETag == objstore.ETagMD5 && !hidesMD5(sse)
	if sent.Algorithm == objstore.ContentMD5 && isMD5 && !strings.EqualFold(etag, hex.EncodeToString(sent.Sum)) {
		return sent, badEcho(op, key, "the ETag is not the MD5 of what was sent")
	}
	return sent, nil
}

// answer is the checksum that the store tells by itself, none where it tells none.
func (c *Client) answer(x *exchange) objstore.Digest {
	if c.profile.AnswerDigest != objstore.CRC64ECMA {
		return objstore.Digest{}
	}
	sum, err := strconv.ParseUint(x.header.Get(c.profile.AnswerHeader), 10, 64)
	if err != nil {
		return objstore.Digest{}
	}
	return objstore.Digest{Algorithm: objstore.CRC64ECMA, Sum: binary.BigEndian.AppendUint64(nil, sum)}
}

func badEcho(op, key, message string) error {
	return &objstore.Error{Op: op, Key: key, Kind: objstore.ErrBadDigest, Status: 200, Code: "WrongEcho", Message: message, Sent: true}
}

// hidesMD5 tells whether encryption makes the ETag something else than an MD5.
func hidesMD5(sse objstore.SSE) bool {
	return sse.Mode != "" && sse.Mode != "aes256"
}
