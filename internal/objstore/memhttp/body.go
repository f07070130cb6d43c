package memhttp

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// maxXML bounds the bodies that are documents: 10,000 parts have less than 2 MiB.
const maxXML = 4 << 20

// chunked tells whether the body is in the encoding by which AWS sends trailers
// and signs a stream.
func (q *request) chunked() bool {
	h := q.r.Header
	return strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") || strings.Contains(h.Get("Content-Encoding"), "aws-chunked")
}

// body takes in the whole body of a Put or a part, with the digest that came
// with it.
func (q *request) body() (objstore.Body, error) {
	var in io.Reader = q.r.Body
	size := q.r.ContentLength
	if q.chunked() {
		in = &chunks{r: bufio.NewReader(q.r.Body)}
		size, _ = strconv.ParseInt(q.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	}
	if size < 0 {
		return objstore.Body{}, fail(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return objstore.Body{}, fail(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	io.Copy(io.Discard, in) // trailers
	d, err := q.digest()
	return objstore.Body{Reader: bytes.NewReader(data), Size: size, Digest: d}, err
}

// digest reads the digest that came with a body.
func (q *request) digest() (objstore.Digest, error) {
	for name, a := range map[string]objstore.Algorithm{
		"Content-Md5":              objstore.ContentMD5,
		"X-Amz-Checksum-Crc32c":    objstore.CRC32C,
		"X-Amz-Checksum-Crc64nvme": objstore.CRC64NVME,
	} {
		value := q.r.Header.Get(name)
		if value == "" {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(value)
		if err != nil || len(sum) != objstore.NewHash(a).Size() {
			return objstore.Digest{}, fail(400, "InvalidDigest", "The digest you specified is not valid.")
		}
		if q.h.personality.Lies.TakesBadDigests {
			return objstore.Digest{}, nil
		}
		return objstore.Digest{Algorithm: a, Sum: sum}, nil
	}
	return objstore.Digest{}, nil
}

// echo tells the client which checksum the store has.
func (q *request) echo(d objstore.Digest) {
	if d.IsZero() || d.Algorithm == objstore.ContentMD5 {
		return
	}
	if d.Algorithm == objstore.CRC64ECMA {
		q.w.Header().Set(q.h.store.Profile().AnswerHeader, strconv.FormatUint(binary.BigEndian.Uint64(d.Sum), 10))
		return
	}
	q.w.Header().Set("X-Amz-Checksum-"+string(d.Algorithm), base64.StdEncoding.EncodeToString(d.Sum))
	q.w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
}

// fields are the two XML fields of a digest.
func fields(d objstore.Digest) (crc32c, crc64nvme string) {
	value := base64.StdEncoding.EncodeToString(d.Sum)
	switch d.Algorithm {
	case objstore.CRC32C:
		return value, ""
	case objstore.CRC64NVME:
		return "", value
	}
	return "", ""
}

// document parses the body of a request that carries XML.
func (q *request) document(v any) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(q.r.Body, maxXML))
	if err != nil {
		return nil, fail(400, "IncompleteBody", "The request body terminated unexpectedly")
	}
	if err := xml.Unmarshal(raw, v); err != nil {
		return nil, fail(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return raw, nil
}

// chunks decodes aws-chunked bodies. Neither signatures nor trailers are looked at.
type chunks struct {
	r    *bufio.Reader
	left int64
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		line, err := c.r.ReadString('\n')
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		if line = strings.TrimSpace(line); line == "" {
			continue // behind the chunk before
		}
		size, _, _ := strings.Cut(line, ";")
		c.left, err = strconv.ParseInt(size, 16, 64)
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		if c.left == 0 {
			c.done = true
			io.Copy(io.Discard, c.r)
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
