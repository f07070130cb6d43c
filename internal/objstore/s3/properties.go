package s3

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// properties are an object's properties as the fields that the inputs of Put,
// CreateMultipart and Copy have in common.
type properties struct {
	contentType, cacheControl, disposition, encoding, language *string

	expires  *time.Time
	metadata map[string]string
	class    types.StorageClass
	tagging  *string
	acl      types.ObjectCannedACL
	grants   grants
	sse      encryption
	extra    []string // headers of the vendor's own, by name and value in turn
}

// grants are objstore.Grants as fields of inputs.
type grants struct{ full, read, readACP, writeACP *string }

// encryption is an SSE as fields of inputs.
type encryption struct {
	mode                types.ServerSideEncryption
	kmsKey, kmsContext  *string
	bucketKey           *bool
	algorithm, key, sum *string // of the customer's key
}

func propertiesOf(o *objstore.ObjectOptions) (properties, error) {
	p := properties{
		contentType:  optional(o.ContentType),
		cacheControl: optional(o.CacheControl),
		disposition:  optional(o.ContentDisposition),
		encoding:     optional(o.ContentEncoding),
		language:     optional(o.ContentLanguage),
		metadata:     o.Metadata,
		class:        types.StorageClass(o.StorageClass),
		acl:          types.ObjectCannedACL(o.ACL),
		grants: grants{
			full: optional(o.Grants.FullControl), read: optional(o.Grants.Read),
			readACP: optional(o.Grants.ReadACP), writeACP: optional(o.Grants.WriteACP),
		},
	}
	for name, value := range o.Metadata {
		if !validHeader(name) || !validHeader(value) {
			return p, objstore.ErrInvalid
		}
	}
	if o.Expires != "" {
		t, err := http.ParseTime(o.Expires)
		if err != nil {
			return p, objstore.ErrInvalid
		}
		p.expires = &t
	}
	if len(o.Tags) > 0 {
		v := url.Values{}
		for name, value := range o.Tags {
			v.Set(name, value)
		}
		p.tagging = optional(v.Encode())
	}
	var err error
	p.sse, err = encryptionOf(o.SSE)
	return p, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// validHeader refuses what net/http would refuse to send.
func validHeader(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// encryptionOf makes fields of the modes. "sm4" is no mode of the S3 protocol.
func encryptionOf(sse objstore.SSE) (encryption, error) {
	var e encryption
	switch sse.Mode {
	case "":
		return e, nil
	case "aes256":
		e.mode = types.ServerSideEncryptionAes256
		return e, nil
	case "kms", "kms:dsse":
		e.mode = types.ServerSideEncryptionAwsKms
		if sse.Mode == "kms:dsse" {
			e.mode = types.ServerSideEncryptionAwsKmsDsse
		}
		e.kmsKey, e.kmsContext = optional(sse.KMSKeyID), optional(sse.KMSContext)
		if sse.BucketKey {
			e.bucketKey = &sse.BucketKey
		}
		return e, nil
	case "c":
		if len(sse.CustomerKey) != customerKeySize {
			return e, objstore.ErrInvalid
		}
		e.algorithm, e.key, e.sum = customerKey(sse)
		return e, nil
	}
	return e, objstore.ErrUnsupported
}

// vendorEncryption asks for an encryption by the store's own headers.
func vendorEncryption(e objstore.Encryption, sse objstore.SSE) []string {
	out := []string{e.Header, e.Value}
	if e.KeyHeader != "" && sse.KMSKeyID != "" {
		out = append(out, e.KeyHeader, sse.KMSKeyID)
	}
	return out
}

// customerKey makes the three headers of a customer's key, nil for other modes.
func customerKey(sse objstore.SSE) (algorithm, key, sum *string) {
	if sse.Mode != "c" {
		return nil, nil, nil
	}
	digest := md5.Sum(sse.CustomerKey)
	return optional("AES256"),
		optional(base64.StdEncoding.EncodeToString(sse.CustomerKey)),
		optional(base64.StdEncoding.EncodeToString(digest[:]))
}

func plain[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// seenClass names a storage class, the standard one by "".
func seenClass[T ~string](class T) string {
	if class == "STANDARD" {
		return ""
	}
	return string(class)
}

// seenETag is the ETag of an answer, without its quotes.
func seenETag(h http.Header) string { return strings.Trim(h.Get("Etag"), `"`) }

// seen is what the headers of an answer to HEAD or GET tell of an object of some size.
func seen(key string, h http.Header, size int64) objstore.Info {
	class := seenClass(h.Get("X-Amz-Storage-Class"))
	return objstore.Info{
		Key:     key,
		Size:    size,
		ETag:    seenETag(h),
		ModTime: seenTime(h),
		Full:    true,
		ObjectOptions: objstore.ObjectOptions{
			ContentType:        h.Get("Content-Type"),
			CacheControl:       h.Get("Cache-Control"),
			ContentDisposition: h.Get("Content-Disposition"),
			ContentEncoding:    h.Get("Content-Encoding"),
			ContentLanguage:    h.Get("Content-Language"),
			Expires:            h.Get("Expires"),
			Metadata:           seenMetadata(h),
			StorageClass:       class,
			TagsFrom:           seenTags(key, h),
			SSE:                seenSSE(h),
		},
		StorageClassSeen: class,
		VersionID:        h.Get("X-Amz-Version-Id"),
	}
}

// seenTime is when the object was stored, the zero time where that is not told.
func seenTime(h http.Header) time.Time {
	told := h.Get("Last-Modified")
	if told == "" {
		return time.Time{} // errors are dear
	}
	t, _ := smithytime.ParseHTTPDate(told)
	return t
}

// seenMetadata gives metadata the names that the contract promises, in lower case.
func seenMetadata(h http.Header) map[string]string {
	const prefix = "X-Amz-Meta-"
	out := map[string]string{}
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, prefix); ok && len(values) > 0 {
			out[strings.ToLower(rest)] = values[0]
		}
	}
	return out
}

// seenTags names the object itself if it has tags.
func seenTags(key string, h http.Header) string {
	if n := h.Get("X-Amz-Tagging-Count"); n == "" || n == "0" {
		return ""
	}
	return key
}

// seenSSE makes an SSE of what an answer tells, which never includes a key.
func seenSSE(h http.Header) objstore.SSE {
	const name = encryptionHeader
	out := objstore.SSE{KMSKeyID: h.Get(name + "-Aws-Kms-Key-Id"), BucketKey: h.Get(name+"-Bucket-Key-Enabled") == "true"}
	mode := types.ServerSideEncryption(h.Get(name))
	switch {
	case h.Get(name+"-Customer-Algorithm") != "":
		out.Mode = "c"
	case mode == types.ServerSideEncryptionAes256:
		out.Mode = "aes256"
	case mode == types.ServerSideEncryptionAwsKms:
		out.Mode = "kms"
	case mode == types.ServerSideEncryptionAwsKmsDsse:
		out.Mode = "kms:dsse"
	}
	return out
}

// seenChecksum is the checksum of a whole object, none where its parts were hashed apart.
func seenChecksum(h http.Header) objstore.Digest {
	if h.Get("X-Amz-Checksum-Type") == string(types.ChecksumTypeComposite) {
		return objstore.Digest{}
	}
	return toldBy(h)
}

// archived tells whether an object must be restored before it can be read. The
// Restore header says ongoing-request="false" for as long as a restored copy is there.
func archived(class string, h http.Header) bool {
	cold := objstore.Archive(class) || h.Get("X-Amz-Archive-Status") != ""
	return cold && !strings.Contains(h.Get("X-Amz-Restore"), `ongoing-request="false"`)
}
