package s3

import (
	"context"
	"errors"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// source names an object of this bucket to copy from.
func (c *Client) source(key string) *string {
	s := escapeKey(c.bucket) + "/" + escapeKey(key)
	return &s
}

// lookBefore makes sure of the source of a copy where the store does not.
func (c *Client) lookBefore(ctx context.Context, op string, src objstore.CopySource) error {
	if src.IfMatch == "" || c.profile.SourceGuards {
		return nil
	}
	seen, err := c.Head(ctx, src.Key)
	if err != nil {
		return err
	}
	if seen.ETag != src.IfMatch {
		return refused(op, src.Key, objstore.ErrPrecondition, "the source is another object now")
	}
	return nil
}

// UploadPartCopy implements objstore.Store.
func (c *Client) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	const op = objstore.OpUploadPartCopy
	if err := c.checkNumber(op, up, number); err != nil {
		return objstore.Part{}, err
	}
	switch {
	case !c.profile.PartCopy:
		return objstore.Part{}, refused(op, up.Key, objstore.ErrUnsupported, "the store does not copy parts")
	case src.Length > c.profile.MaxCopy:
		return objstore.Part{}, refused(op, up.Key, objstore.ErrTooLarge, "larger than one copy may be")
	case src.Offset < 0 || src.Length < 0 || src.Offset > 0 && src.Length == 0:
		return objstore.Part{}, refused(op, up.Key, objstore.ErrInvalid, "no such range")
	}
	in := &awss3.UploadPartCopyInput{
		Bucket: &c.bucket, Key: &up.Key, UploadId: &up.ID, PartNumber: &number,
		CopySource: c.source(src.Key), CopySourceIfMatch: quote(src.IfMatch), CopySourceRange: httpRange(src.Offset, src.Length),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(c.keyed(up.SSE))
	if err := c.lookBefore(ctx, op, src); err != nil {
		return objstore.Part{}, err
	}
	var out *awss3.UploadPartCopyOutput
	var x *exchange
	err := c.unlocking(src.SSE, func(sse objstore.SSE) (err error) {
		in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = customerKey(sse)
		x = &exchange{}
		if out, err = c.api.UploadPartCopy(x.in(ctx), in, headers(c.traffic...)); err != nil {
			return failure(ctx, x, op, up.Key, err)
		}
		return nil
	})
	if err != nil {
		return objstore.Part{}, err
	}
	r := out.CopyPartResult
	if r == nil || unquote(r.ETag) == "" {
		return objstore.Part{}, unknown(x, op, up.Key, "the store gave no ETag")
	}
	p := objstore.Part{
		Number:  number,
		Size:    src.Length, // 0 where the whole was asked for: the answer does not tell
		ETag:    unquote(r.ETag),
		Digest:  told(r.ChecksumCRC32C, r.ChecksumCRC64NVME),
		ModTime: plain(r.LastModified),
	}
	if p.Digest.IsZero() {
		p.Digest = c.answer(x)
	}
	return p, nil
}

// Copy implements objstore.Store.
func (c *Client) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	const op = objstore.OpCopy
	in, p, err := c.copyInput(ctx, dst, src, opts)
	if err == nil {
		err = c.lookBefore(ctx, op, src)
	}
	if err != nil {
		return objstore.Info{}, err
	}
	var out *awss3.CopyObjectOutput
	var x *exchange
	err = c.unlocking(src.SSE, func(sse objstore.SSE) (err error) {
		in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = customerKey(sse)
		x = &exchange{}
		if out, err = c.api.CopyObject(x.in(ctx), in, headers(p.extra...)); err != nil {
			return failure(ctx, x, op, dst, err)
		}
		return nil
	})
	if err != nil {
		return objstore.Info{}, c.tooLarge(ctx, src, err)
	}
	r := out.CopyObjectResult
	if r == nil || unquote(r.ETag) == "" {
		return objstore.Info{}, unknown(x, op, dst, "the store gave no ETag")
	}
	info := objstore.Info{Key: dst, ETag: unquote(r.ETag), ModTime: plain(r.LastModified), VersionID: plain(out.VersionId)}
	if info.ModTime.IsZero() {
		info.ModTime = time.Now()
	}
	if r.ChecksumType != types.ChecksumTypeComposite {
		info.Checksum = told(r.ChecksumCRC32C, r.ChecksumCRC64NVME)
	}
	return info, nil
}

func (c *Client) copyInput(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (*awss3.CopyObjectInput, properties, error) {
	const op = objstore.OpCopy
	if err := c.checkKey(op, dst); err != nil {
		return nil, properties{}, err
	}
	if src.Offset != 0 || src.Length != 0 {
		return nil, properties{}, refused(op, dst, objstore.ErrInvalid, "a copy is of a whole object")
	}
	if kind := c.profile.CheckCopy(opts.Condition); kind != nil {
		return nil, properties{}, refused(op, dst, kind, "the store cannot keep the condition")
	}
	if !opts.Replace || opts.TagsFrom == src.Key {
		opts.TagsFrom = "" // the store copies them
	}
	p, err := c.properties(ctx, op, dst, &opts.ObjectOptions)
	if err != nil {
		return nil, properties{}, err
	}
	in := &awss3.CopyObjectInput{
		Bucket: &c.bucket, Key: &dst, CopySource: c.source(src.Key), CopySourceIfMatch: quote(src.IfMatch),
		StorageClass: p.class, ACL: p.acl,
		GrantFullControl: p.grants.full, GrantRead: p.grants.read, GrantReadACP: p.grants.readACP, GrantWriteACP: p.grants.writeACP,
		ServerSideEncryption: p.sse.mode, SSEKMSKeyId: p.sse.kmsKey, SSEKMSEncryptionContext: p.sse.kmsContext,
		BucketKeyEnabled: p.sse.bucketKey, SSECustomerAlgorithm: p.sse.algorithm,
		SSECustomerKey: p.sse.key, SSECustomerKeyMD5: p.sse.sum,
	}
	in.IfMatch, in.IfNoneMatch = conditions(objstore.GuardIfNoneMatch, opts.Condition)
	if opts.Replace {
		in.MetadataDirective = types.MetadataDirectiveReplace
		in.ContentType, in.CacheControl, in.ContentDisposition = p.contentType, p.cacheControl, p.disposition
		in.ContentEncoding, in.ContentLanguage, in.Expires, in.Metadata = p.encoding, p.language, p.expires, p.metadata
		if p.tagging != nil {
			in.TaggingDirective, in.Tagging = types.TaggingDirectiveReplace, p.tagging
		}
	}
	return in, p, nil
}

// tooLarge finds out whether a copy was refused for its size, which S3 says with
// a code that stands for anything.
func (c *Client) tooLarge(ctx context.Context, src objstore.CopySource, err error) error {
	var e *objstore.Error
	if !errors.As(err, &e) || !errors.Is(e.Kind, objstore.ErrInvalid) || e.Status == 0 {
		return err
	}
	if info, headErr := c.Head(ctx, src.Key); headErr == nil && info.Size > c.profile.MaxCopy {
		e.Kind = objstore.ErrTooLarge
	}
	return err
}
