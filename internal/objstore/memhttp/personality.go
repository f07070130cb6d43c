package memhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Personality is how a kind of server differs from others on the wire, where
// the profile of its store does not say it already. It is data: what a server
// refuses, it refuses with the status, code and words of its kind.
type Personality struct {
	Server       string   // the Server header
	BucketRegion string   // the x-amz-bucket-region header, "" for none
	PathStyle    bool     // takes /bucket/key
	PathRefusal  *Refusal // of path style, nil for the usual one
	VirtualHost  string   // takes bucket.<this host>; "" for not
	Host         string   // a host name that such a server has; "" for none of its own
	AccessKey    string   // the only one it lets in; "" lets everybody in

	AWSChunked     bool     // takes bodies in aws-chunked encoding, with or without trailers
	ChunkedRefusal *Refusal // nil for the usual one
	Checksums      bool     // takes x-amz-checksum-* headers
	Unknown        []string // of those, the ones that it does not know
	Undeclared     bool     // takes checksums of parts that CreateMultipartUpload did not announce
	Declared       bool     // and Complete must list the checksum of each part of an upload that announced one
	RequireMD5     bool     // DeleteObjects must carry Content-MD5
	BulkDelete     bool     // knows DeleteObjects

	Expect       bool // knows Expect: 100-continue
	XID          bool // verifies signatures of requests with x-id
	SignedAccept bool // verifies signatures over Accept-Encoding

	PutGuard        Manner // of If-None-Match and If-Match on PutObject
	DoneGuard       Manner // of the same on CompleteMultipartUpload
	CopyGuard       Manner // of the same on CopyObject
	ForbidOverwrite string // a header of its own that it keeps, "" for none

	Refused         []string // request headers that it does not implement, by the beginning of their names
	Classes         []string // storage classes; nil takes any
	CompleteBytes   int64    // body of Complete; 0 for no limit
	UpperETag       bool     // tells ETags in upper case
	PaddedAnswers   bool     // sends spaces before the answers to Complete and Copy, while it works
	ListUploads     bool     // answers ListMultipartUploads
	AbortRule       bool     // has a lifecycle rule that ends unfinished uploads
	LifecycleHidden bool     // does not let its clients see the rules

	// Lies are what a server that is broken does without a word; no vendor's has any.
	Lies Lies
}

// Lies are failures that no error tells.
type Lies struct {
	TakesBadDigests bool // stores what does not match its digest
	IgnoresGuards   bool // and overwrites
	Skew            int  // seconds by which its clock is wrong
}

// Manner is what becomes of a header.
type Manner string

// The manners.
const (
	Keeps   Manner = "keeps"   // does what it says
	Refuses Manner = "refuses" // with 501
	Ignores Manner = "ignores" // as if it were not there
)

// Refusal is the answer by which a server says no.
type Refusal struct {
	Status        int
	Code, Message string
}

func (r *Refusal) or(usual Refusal) error {
	if r == nil {
		r = &usual
	}
	return fail(r.Status, r.Code, r.Message)
}

// admit turns away who may not ask, and what the server does not understand.
func (q *request) admit() error {
	p := &q.h.personality
	h := q.r.Header
	authorization := h.Get("Authorization")
	if p.AccessKey != "" {
		_, credential, _ := strings.Cut(authorization, "Credential=")
		if key, _, _ := strings.Cut(credential, "/"); key != p.AccessKey {
			return fail(403, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records.")
		}
	}
	_, signed, _ := strings.Cut(authorization, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	switch {
	case !p.SignedAccept && slices.Contains(strings.Split(signed, ";"), "accept-encoding"),
		!p.XID && q.query.Has("x-id"):
		return fail(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	case h.Get("Expect") != "" && !p.Expect:
		return fail(http.StatusExpectationFailed, "ExpectationFailed", "This server does not know Expect.")
	case q.chunked() && !p.AWSChunked:
		return p.ChunkedRefusal.or(Refusal{400, "InvalidArgument", "aws-chunked encoding is not supported with the specified x-amz-content-sha256 value"})
	}
	return q.admitHeaders()
}

// admitHeaders turns away headers that the server does not know.
func (q *request) admitHeaders() error {
	p := &q.h.personality
	for name := range q.r.Header {
		checksum, _ := strings.CutPrefix(name, "X-Amz-Checksum-")
		isChecksum := checksum != name && checksum != "Algorithm" && checksum != "Type" && checksum != "Mode"
		if checksum != name && (!p.Checksums || isChecksum && slices.Contains(p.Unknown, strings.ToUpper(checksum))) {
			return fail(400, "InvalidArgument", "Unsupported header '"+strings.ToLower(name)+"' received for this API call.")
		}
		for _, refused := range p.Refused {
			if strings.HasPrefix(name, refused) {
				return fail(501, "NotImplemented", "A header you provided implies functionality that is not implemented: "+strings.ToLower(name))
			}
		}
	}
	if class := q.r.Header.Get("X-Amz-Storage-Class"); class != "" && p.Classes != nil && !slices.Contains(p.Classes, class) {
		return fail(400, "InvalidStorageClass", "The storage class you specified is not valid")
	}
	return nil
}

// guard reads the conditions of a request that makes an object, as far as the server
// looks at them.
func (q *request) guard(m Manner) (objstore.Condition, error) {
	p := &q.h.personality
	c, err := q.condition()
	if err != nil {
		return c, err
	}
	switch {
	case p.Lies.IgnoresGuards:
		return objstore.Condition{}, nil
	case c != objstore.Condition{} && m == Refuses:
		return c, notImplemented()
	case m == Ignores:
		c = objstore.Condition{}
	}
	if p.ForbidOverwrite != "" && q.r.Header.Get(p.ForbidOverwrite) == "true" {
		c.Absent = true
	}
	return c, nil
}

// existing gives the error of a guard by a header of the vendor's own its own words.
func (q *request) existing(err error) error {
	p := &q.h.personality
	if err != nil && p.ForbidOverwrite != "" && q.r.Header.Get(p.ForbidOverwrite) == "true" && isPrecondition(err) {
		return fail(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
	}
	return err
}
