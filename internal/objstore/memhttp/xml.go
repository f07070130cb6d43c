package memhttp

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

type errorResult struct {
	XMLName                            xml.Name `xml:"Error"`
	Code, Message, Resource, RequestID string
}

type initiated struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	NS       string   `xml:"xmlns,attr"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	NS      string   `xml:"xmlns,attr"`
	Tag     []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

type completed struct {
	XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
	NS                string   `xml:"xmlns,attr"`
	Bucket            string
	Key               string
	ETag              string
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

type copied struct {
	XMLName           xml.Name
	NS                string `xml:"xmlns,attr"`
	LastModified      string `xml:",omitempty"`
	ETag              string
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
}

// completion is the body of CompleteMultipartUpload.
type completion struct {
	Part []struct {
		PartNumber        int32
		ETag              string
		ChecksumCRC32C    string
		ChecksumCRC64NVME string
	}
}

// deletion is the body of DeleteObjects.
type deletion struct {
	Quiet  bool
	Object []struct{ Key string }
}

type deleteResult struct {
	XMLName xml.Name `xml:"DeleteResult"`
	NS      string   `xml:"xmlns,attr"`
	Deleted []deletedKey
	Error   []deleteError
}

type deletedKey struct{ Key string }

type deleteError struct{ Key, Code, Message string }

type partsResult struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	NS                   string   `xml:"xmlns,attr"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	NextPartNumberMarker int32  `xml:",omitempty"`
	IsTruncated          bool
	Part                 []listedPart
}

type listedPart struct {
	PartNumber        int32
	LastModified      string
	ETag              string
	Size              int64
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
}

type uploadsResult struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	NS                 string   `xml:"xmlns,attr"`
	Bucket             string
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	EncodingType       string `xml:",omitempty"`
	IsTruncated        bool
	Upload             []listedUpload
}

type listedUpload struct {
	Key          string
	UploadID     string `xml:"UploadId"`
	Initiated    string
	StorageClass string
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	NS                    string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int    `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	NextMarker            string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listedObject
	CommonPrefixes        []listedPrefix
}

type listedObject struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type listedPrefix struct{ Prefix string }

func (q *request) answerXML(status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.Header().Set("Content-Length", strconv.Itoa(len(xml.Header)+len(body)))
	q.w.WriteHeader(status)
	q.w.Write([]byte(xml.Header))
	q.w.Write(body)
}

// answerSlowly answers a request that takes the server a while, in the manner of those
// that keep the connection alive with spaces meanwhile. What goes wrong after them
// can only be told in the body.
func (q *request) answerSlowly(v any) {
	if !q.h.personality.PaddedAnswers {
		q.answerXML(http.StatusOK, v)
		return
	}
	body, err := xml.Marshal(v)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.WriteHeader(http.StatusOK)
	q.w.Write([]byte(xml.Header + "   \n"))
	http.NewResponseController(q.w).Flush()
	q.w.Write(body)
}

// etag is an ETag as the server writes it.
func (q *request) etag(etag string) string {
	if q.h.personality.UpperETag {
		etag = strings.ToUpper(etag)
	}
	return quoted(etag)
}

// given is an ETag that a client has from the server. It must be as it was sent: a
// server that writes capitals has never told any other.
func (q *request) given(etag string) string {
	etag = unquoted(etag)
	if !q.h.personality.UpperETag {
		return etag
	}
	if etag != strings.ToUpper(etag) {
		return "no such ETag: " + etag
	}
	return strings.ToLower(etag)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quoted(etag string) string { return `"` + etag + `"` }

func unquoted(etag string) string { return strings.Trim(etag, `"`) }

// encoder encodes names if the client asked for it.
func (q *request) encoder() (encode func(string) string, kind string) {
	if q.query.Get("encoding-type") != "url" {
		return func(s string) string { return s }, ""
	}
	return func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }, "url"
}

func wireClass(seen string) string {
	if seen == "" {
		return "STANDARD"
	}
	return seen
}
