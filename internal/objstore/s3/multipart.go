package s3

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// declared is the checksum that an upload is begun with: none unless the profile
// asks for it. MinIO and versitygw verify the checksum of each part undeclared,
// and mistake copied parts in an upload that declared one.
func (c *Client) declared() (types.ChecksumAlgorithm, types.ChecksumType) {
	if !c.profile.FullDigest {
		return "", ""
	}
	return types.ChecksumAlgorithm(c.profile.Digest), types.ChecksumTypeFullObject
}

// CreateMultipart implements objstore.Store.
func (c *Client) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	const op = objstore.OpCreateMultipart
	if err := c.checkKey(op, key); err != nil {
		return "", err
	}
	p, err := c.properties(ctx, op, key, &opts)
	if err != nil {
		return "", err
	}
	in := &awss3.CreateMultipartUploadInput{
		Bucket: &c.bucket, Key: &key,
		ContentType: p.contentType, CacheControl: p.cacheControl, ContentDisposition: p.disposition,
		ContentEncoding: p.encoding, ContentLanguage: p.language, Expires: p.expires,
		Metadata: p.metadata, StorageClass: p.class, Tagging: p.tagging, ACL: p.acl,
		GrantFullControl: p.grants.full, GrantRead: p.grants.read, GrantReadACP: p.grants.readACP, GrantWriteACP: p.grants.writeACP,
		ServerSideEncryption: p.sse.mode, SSEKMSKeyId: p.sse.kmsKey, SSEKMSEncryptionContext: p.sse.kmsContext,
		BucketKeyEnabled: p.sse.bucketKey, SSECustomerAlgorithm: p.sse.algorithm,
		SSECustomerKey: p.sse.key, SSECustomerKeyMD5: p.sse.sum,
	}
	in.ChecksumAlgorithm, in.ChecksumType = c.declared()
	x := &exchange{sanitise: !objstore.XMLSafe(key)}
	out, err := c.api.CreateMultipartUpload(x.in(ctx), in, headers(p.extra...))
	if err != nil {
		return "", failure(ctx, x, op, key, err)
	}
	if plain(out.UploadId) == "" {
		return "", unknown(x, op, key, "the store gave no upload id")
	}
	return *out.UploadId, nil
}

// unknown is the error of an answer that leaves open what happened.
func unknown(x *exchange, op, key, message string) error {
	return &objstore.Error{
		Op: op, Key: key, Kind: objstore.ErrInternal, Status: x.status, Code: "EmptyAnswer",
		Message: message, RequestID: x.requestID(), Sent: true,
	}
}

// checkNumber refuses numbers that no part may have.
func (c *Client) checkNumber(op string, up objstore.UploadRef, number int32) error {
	if number < 1 || number > c.profile.Part.MaxCount {
		return refused(op, up.Key, objstore.ErrInvalid, fmt.Sprintf("no part may have the number %d", number))
	}
	return nil
}

// UploadPart implements objstore.Store.
func (c *Client) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	const op = objstore.OpUploadPart
	up = c.keyedUpload(up)
	if err := c.checkNumber(op, up, number); err != nil {
		return objstore.Part{}, err
	}
	if body.Size > c.profile.Part.Max {
		return objstore.Part{}, refused(op, up.Key, objstore.ErrTooLarge, "larger than a part may be")
	}
	d, kind := fieldsOf(body.Digest)
	if kind != nil {
		return objstore.Part{}, refused(op, up.Key, kind, "no such digest")
	}
	x, err := sending(op, up.Key, body)
	if err != nil {
		return objstore.Part{}, err
	}
	in := &awss3.UploadPartInput{
		Bucket: &c.bucket, Key: &up.Key, UploadId: &up.ID, PartNumber: &number, ContentLength: &body.Size,
		ContentMD5: d.md5, ChecksumCRC32C: d.crc32c, ChecksumCRC64NVME: d.crc64nvme,
	}
	if body.Size > 0 {
		in.Body = body.Reader
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(up.SSE)
	if err := c.storePart(ctx, x, in); err != nil {
		return objstore.Part{}, failure(ctx, x, op, up.Key, err)
	}
	p := objstore.Part{Number: number, Size: body.Size, ETag: seenETag(x.header), ModTime: time.Now()}
	if p.ETag == "" {
		return objstore.Part{}, unknown(x, op, up.Key, "the store gave no ETag")
	}
	p.Digest, err = c.acknowledge(op, up.Key, &body, x, toldBy(x.header), p.ETag, partSSE(up, x))
	if err != nil {
		return objstore.Part{}, err
	}
	return p, nil
}

// storePart sends a part, whose answer is in the exchange.
func (c *Client) storePart(ctx context.Context, x *exchange, in *awss3.UploadPartInput) error {
	if c.sendsDirect() {
		return c.direct.putPart(ctx, x, in, c.traffic)
	}
	_, err := c.api.UploadPart(x.in(ctx), in, c.signBody, headers(c.traffic...))
	return err
}

// partSSE is how a part was encrypted, which also the bucket may have decided.
func partSSE(up objstore.UploadRef, x *exchange) objstore.SSE {
	if up.SSE.Mode != "" {
		return up.SSE
	}
	return seenSSE(x.header)
}

// Abort implements objstore.Store.
func (c *Client) Abort(ctx context.Context, up objstore.UploadRef) error {
	x := &exchange{sanitise: !objstore.XMLSafe(up.Key)}
	_, err := c.api.AbortMultipartUpload(x.in(ctx), &awss3.AbortMultipartUploadInput{Bucket: &c.bucket, Key: &up.Key, UploadId: &up.ID})
	if err == nil {
		return nil
	}
	err = failure(ctx, x, objstore.OpAbort, up.Key, err)
	if errors.Is(err, objstore.ErrNoSuchUpload) {
		return nil
	}
	return err
}

// ListParts implements objstore.Store.
func (c *Client) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error) {
	const op = objstore.OpListParts
	up = c.keyedUpload(up)
	limit := int32(objstore.MaxPage)
	in := &awss3.ListPartsInput{Bucket: &c.bucket, Key: &up.Key, UploadId: &up.ID, MaxParts: &limit}
	if after > 0 {
		marker := strconv.Itoa(int(after))
		in.PartNumberMarker = &marker
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(up.SSE)
	x := &exchange{sanitise: !objstore.XMLSafe(up.Key)}
	out, err := c.api.ListParts(x.in(ctx), in)
	if err != nil {
		return objstore.PartPage{}, failure(ctx, x, op, up.Key, err)
	}
	var page objstore.PartPage
	for _, p := range out.Parts {
		page.Parts = append(page.Parts, objstore.Part{
			Number:  plain(p.PartNumber),
			Size:    plain(p.Size),
			ETag:    unquote(p.ETag),
			Digest:  told(p.ChecksumCRC32C, p.ChecksumCRC64NVME),
			ModTime: plain(p.LastModified),
		})
	}
	if !plain(out.IsTruncated) {
		return page, nil
	}
	next, err := strconv.ParseInt(plain(out.NextPartNumberMarker), 10, 32)
	if err != nil || int32(next) <= after {
		return objstore.PartPage{}, &objstore.Error{Op: op, Key: up.Key, Kind: objstore.ErrInternal, Err: fmt.Errorf("the page after part %d does not say where the next begins", after)}
	}
	page.Next = int32(next)
	return page, nil
}
