package s3

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"
)

// head asks about an object.
func (d *direct) head(ctx context.Context, x *exchange, in *awss3.HeadObjectInput) error {
	h := fields{}
	h.set("X-Amz-Checksum-Mode", string(in.ChecksumMode))
	h.setCustomerKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	return d.send(ctx, x, order{method: http.MethodHead, key: *in.Key, header: http.Header(h), hash: emptyHash})
}

// get reads an object, or a range of it. extra are further headers, by name and value
// in turn.
func (d *direct) get(ctx context.Context, x *exchange, in *awss3.GetObjectInput, extra []string) (io.ReadCloser, error) {
	h := fields{}
	h.setOptional("Range", in.Range)
	h.setOptional("If-Match", in.IfMatch)
	h.setCustomerKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	h.setPairs(extra)
	return d.open(ctx, x, order{method: http.MethodGet, key: *in.Key, query: d.named("GetObject"), header: http.Header(h), hash: emptyHash})
}

// remove deletes an object.
func (d *direct) remove(ctx context.Context, x *exchange, key string) error {
	return d.send(ctx, x, order{method: http.MethodDelete, key: key, query: d.named("DeleteObject"), header: http.Header{}, hash: emptyHash})
}

// put stores the body of the exchange, which the signature leaves out.
func (d *direct) put(ctx context.Context, x *exchange, in *awss3.PutObjectInput, extra []string) error {
	h := putFields(in)
	h.setPairs(extra)
	return d.send(ctx, x, order{method: http.MethodPut, key: *in.Key, query: d.named("PutObject"), header: http.Header(h), hash: unsignedBody})
}

// putPart stores the body of the exchange as a part.
func (d *direct) putPart(ctx context.Context, x *exchange, in *awss3.UploadPartInput, extra []string) error {
	h := fields{}
	h.set("Content-Type", "application/octet-stream") // as the SDK has it
	h.setOptional("Content-Md5", in.ContentMD5)
	h.setOptional("X-Amz-Checksum-Crc32c", in.ChecksumCRC32C)
	h.setOptional("X-Amz-Checksum-Crc64nvme", in.ChecksumCRC64NVME)
	h.setCustomerKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	h.setPairs(extra)
	query := "partNumber=" + strconv.Itoa(int(*in.PartNumber)) + "&uploadId=" + url.QueryEscape(*in.UploadId)
	if name := d.named("UploadPart"); name != "" {
		query += "&" + name
	}
	return d.send(ctx, x, order{method: http.MethodPut, key: *in.Key, query: query, header: http.Header(h), hash: unsignedBody})
}

// named is the query that names an operation.
func (d *direct) named(operation string) string {
	if !d.xid {
		return ""
	}
	return "x-id=" + operation
}

// putFields are the headers of all fields that putInput sets.
func putFields(in *awss3.PutObjectInput) fields {
	h := fields{}
	h.set("Content-Type", "application/octet-stream") // as the SDK has it, where none is given
	for name, value := range in.Metadata {
		h[http.CanonicalHeaderKey("X-Amz-Meta-"+name)] = []string{value}
	}
	h.setOptional("Content-Md5", in.ContentMD5)
	h.setOptional("X-Amz-Checksum-Crc32c", in.ChecksumCRC32C)
	h.setOptional("X-Amz-Checksum-Crc64nvme", in.ChecksumCRC64NVME)
	h.setOptional("If-Match", in.IfMatch)
	h.setOptional("If-None-Match", in.IfNoneMatch)

	h.setOptional("Content-Type", in.ContentType)
	h.setOptional("Cache-Control", in.CacheControl)
	h.setOptional("Content-Disposition", in.ContentDisposition)
	h.setOptional("Content-Encoding", in.ContentEncoding)
	h.setOptional("Content-Language", in.ContentLanguage)
	if in.Expires != nil {
		h.set("Expires", smithytime.FormatHTTPDate(*in.Expires))
	}
	h.set("X-Amz-Storage-Class", string(in.StorageClass))
	h.setOptional("X-Amz-Tagging", in.Tagging)

	h.set("X-Amz-Acl", string(in.ACL))
	h.setOptional("X-Amz-Grant-Full-Control", in.GrantFullControl)
	h.setOptional("X-Amz-Grant-Read", in.GrantRead)
	h.setOptional("X-Amz-Grant-Read-Acp", in.GrantReadACP)
	h.setOptional("X-Amz-Grant-Write-Acp", in.GrantWriteACP)

	h.set(encryptionHeader, string(in.ServerSideEncryption))
	h.setOptional(encryptionHeader+"-Aws-Kms-Key-Id", in.SSEKMSKeyId)
	h.setOptional(encryptionHeader+"-Context", in.SSEKMSEncryptionContext)
	if plain(in.BucketKeyEnabled) {
		h.set(encryptionHeader+"-Bucket-Key-Enabled", "true")
	}
	h.setCustomerKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	return h
}

const encryptionHeader = "X-Amz-Server-Side-Encryption"

// fields are the headers of a request, by their canonical names.
type fields http.Header

// set sets a header unless it would be empty.
func (f fields) set(name, value string) {
	if value != "" {
		f[name] = []string{value}
	}
}

// setPairs sets headers by name and value in turn.
func (f fields) setPairs(pairs []string) {
	for i := 0; i < len(pairs); i += 2 {
		f.set(http.CanonicalHeaderKey(pairs[i]), pairs[i+1])
	}
}

func (f fields) setOptional(name string, value *string) { f.set(name, plain(value)) }

func (f fields) setCustomerKey(algorithm, key, sum *string) {
	f.setOptional(encryptionHeader+"-Customer-Algorithm", algorithm)
	f.setOptional(encryptionHeader+"-Customer-Key", key)
	f.setOptional(encryptionHeader+"-Customer-Key-Md5", sum)
}
