package s3

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

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

// sseSeen makes an SSE of what an answer tells, which never includes a key.
func sseSeen(mode types.ServerSideEncryption, kmsKey, algorithm *string, bucketKey *bool) objstore.SSE {
	out := objstore.SSE{KMSKeyID: plain(kmsKey), BucketKey: bucketKey != nil && *bucketKey}
	switch {
	case algorithm != nil:
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

// lowerNames gives metadata the names that the contract promises.
func lowerNames(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for name, value := range m {
		out[strings.ToLower(name)] = value
	}
	return out
}

// headInfo is everything that the answer to a HEAD tells.
func headInfo(key string, out *awss3.HeadObjectOutput) objstore.Info {
	class := seenClass(out.StorageClass)
	info := objstore.Info{
		Key:     key,
		Size:    plain(out.ContentLength),
		ETag:    unquote(out.ETag),
		ModTime: plain(out.LastModified),
		Full:    true,
		ObjectOptions: objstore.ObjectOptions{
			ContentType:        plain(out.ContentType),
			CacheControl:       plain(out.CacheControl),
			ContentDisposition: plain(out.ContentDisposition),
			ContentEncoding:    plain(out.ContentEncoding),
			ContentLanguage:    plain(out.ContentLanguage),
			Expires:            plain(out.ExpiresString),
			Metadata:           lowerNames(out.Metadata),
			StorageClass:       class,
			TagsFrom:           tagged(key, out.TagCount),
			SSE:                sseSeen(out.ServerSideEncryption, out.SSEKMSKeyId, out.SSECustomerAlgorithm, out.BucketKeyEnabled),
		},
		StorageClassSeen: class,
		VersionID:        plain(out.VersionId),
		Restore:          archived(class, out.ArchiveStatus, plain(out.Restore)),
	}
	if out.ChecksumType != types.ChecksumTypeComposite {
		info.Checksum = told(out.ChecksumCRC32C, out.ChecksumCRC64NVME)
	}
	return info
}

// tagged names the object itself if it has tags.
func tagged(key string, tags *int32) string {
	if plain(tags) > 0 {
		return key
	}
	return ""
}

// archived tells whether an object must be restored before it can be read. The
// Restore header says ongoing-request="false" for as long as a restored copy is there.
func archived(class string, status types.ArchiveStatus, restore string) bool {
	cold := objstore.Archive(class) || status != ""
	return cold && !strings.Contains(restore, `ongoing-request="false"`)
}

// getInfo is what the answer to a GET tells. The size is that of the whole object.
func getInfo(key string, out *awss3.GetObjectOutput, size int64) objstore.Info {
	class := seenClass(out.StorageClass)
	return objstore.Info{
		Key:     key,
		Size:    size,
		ETag:    unquote(out.ETag),
		ModTime: plain(out.LastModified),
		Full:    true,
		ObjectOptions: objstore.ObjectOptions{
			ContentType:        plain(out.ContentType),
			CacheControl:       plain(out.CacheControl),
			ContentDisposition: plain(out.ContentDisposition),
			ContentEncoding:    plain(out.ContentEncoding),
			ContentLanguage:    plain(out.ContentLanguage),
			Expires:            plain(out.ExpiresString),
			Metadata:           lowerNames(out.Metadata),
			StorageClass:       class,
			TagsFrom:           tagged(key, out.TagCount),
			SSE:                sseSeen(out.ServerSideEncryption, out.SSEKMSKeyId, out.SSECustomerAlgorithm, out.BucketKeyEnabled),
		},
		StorageClassSeen: class,
		VersionID:        plain(out.VersionId),
	}
}
