package s3

import (
	"context"
	"errors"
	"slices"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// checkKey refuses a key that the store would not take.
func (c *Client) checkKey(op, key string) error {
	if kind := c.profile.CheckKey(key); kind != nil {
		return refused(op, key, kind, "the store does not take such a key")
	}
	return nil
}

// properties makes fields of properties that are within the store's limits. Tags
// that are another object's are asked for.
func (c *Client) properties(ctx context.Context, op, key string, given *objstore.ObjectOptions) (properties, error) {
	o := *given
	o.SSE = c.keyed(o.SSE)
	if o.Tags == nil && o.TagsFrom != "" {
		tags, err := c.Tags(ctx, o.TagsFrom)
		if err != nil && !errors.Is(err, objstore.ErrNotFound) {
			return properties{}, err
		}
		o.Tags = tags
	}
	if kind := c.profile.CheckOptions(&o); kind != nil {
		return properties{}, refused(op, key, kind, "too much metadata, or too many tags")
	}
	vendor := c.profile.EncryptionOf(o.SSE.Mode)
	sse := o.SSE
	if vendor.Header != "" {
		o.SSE = objstore.SSE{}
	}
	p, kind := propertiesOf(&o)
	if kind != nil {
		return properties{}, refused(op, key, kind, "a property cannot be sent")
	}
	if vendor.Header != "" {
		p.extra = vendorEncryption(vendor, sse)
	}
	return p, nil
}

// sending makes the exchange of a request with a body.
func sending(op, key string, body objstore.Body) (*exchange, error) {
	out, err := newOutBody(body)
	if err != nil {
		return nil, &objstore.Error{Op: op, Key: key, Kind: objstore.ErrInvalid, Err: err}
	}
	return &exchange{pool: sendPool, body: out}, nil
}

// Head implements objstore.Store.
func (c *Client) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := c.checkKey(objstore.OpHead, key); err != nil {
		return objstore.Info{}, err
	}
	info, _, err := c.head(ctx, objstore.OpHead, key)
	return info, err
}

// head asks about an object for some operation.
func (c *Client) head(ctx context.Context, op, key string) (info objstore.Info, x *exchange, err error) {
	err = c.unlocking(objstore.SSE{}, func(sse objstore.SSE) error {
		in := c.headInput(key)
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(sse)
		x = &exchange{}
		if err := c.ask(ctx, x, in); err != nil {
			return failure(ctx, x, op, key, err)
		}
		info = seen(key, x.header, max(x.length, 0))
		info.Restore = archived(info.StorageClassSeen, x.header)
		info.Told, _ = toldAt(x.header)
		if info.Checksum = seenChecksum(x.header); info.Checksum.IsZero() {
			info.Checksum = c.answer(x)
		}
		return nil
	})
	return info, x, err
}

// ask sends a HEAD, whose answer is in the exchange.
func (c *Client) ask(ctx context.Context, x *exchange, in *awss3.HeadObjectInput) error {
	if c.direct != nil {
		return c.direct.head(ctx, x, in)
	}
	_, err := c.api.HeadObject(x.in(ctx), in)
	return err
}

// Tags implements objstore.Store.
func (c *Client) Tags(ctx context.Context, key string) (map[string]string, error) {
	if err := c.checkKey(objstore.OpTags, key); err != nil {
		return nil, err
	}
	x := &exchange{}
	out, err := c.api.GetObjectTagging(x.in(ctx), &awss3.GetObjectTaggingInput{Bucket: &c.bucket, Key: &key})
	if err != nil {
		return nil, failure(ctx, x, objstore.OpTags, key, err)
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, t := range out.TagSet {
		tags[plain(t.Key)] = plain(t.Value)
	}
	return tags, nil
}

// headInput asks for checksums where there are any: other stores refuse to be asked.
func (c *Client) headInput(key string) *awss3.HeadObjectInput {
	in := &awss3.HeadObjectInput{Bucket: &c.bucket, Key: &key}
	if c.profile.Digest != objstore.ContentMD5 {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	return in
}

// Put implements objstore.Store.
func (c *Client) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	const op = objstore.OpPut
	in, p, err := c.putInput(ctx, key, body, &opts)
	if err != nil {
		return objstore.Info{}, err
	}
	x, err := sending(op, key, body)
	if err != nil {
		return objstore.Info{}, err
	}
	extra := slices.Concat(c.traffic, p.extra, c.forbid(c.profile.NoClobberPut, opts.Condition))
	if err := c.store(ctx, x, in, extra); err != nil {
		return objstore.Info{}, guarded(failure(ctx, x, op, key, err), opts.Condition)
	}
	echo := toldBy(x.header)
	etag := seenETag(x.header)
	sum, err := c.acknowledge(op, key, &body, x, echo, etag, opts.SSE)
	if err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{
		Key: key, Size: body.Size, ETag: etag, ModTime: time.Now(),
		Checksum: sum, VersionID: x.header.Get("X-Amz-Version-Id"),
	}, nil
}

// store sends a body, whose answer is in the exchange.
func (c *Client) store(ctx context.Context, x *exchange, in *awss3.PutObjectInput, extra []string) error {
	if c.sendsDirect() {
		return c.direct.put(ctx, x, in, extra)
	}
	_, err := c.api.PutObject(x.in(ctx), in, c.signBody, headers(extra...))
	return err
}

// sendsDirect reports that bodies need not go through the SDK.
func (c *Client) sendsDirect() bool {
	return c.direct != nil && c.profile.UnsignedBody && !c.profile.Expect
}

func (c *Client) putInput(ctx context.Context, key string, body objstore.Body, opts *objstore.PutOptions) (*awss3.PutObjectInput, properties, error) {
	const op = objstore.OpPut
	if err := c.checkKey(op, key); err != nil {
		return nil, properties{}, err
	}
	if body.Size > c.profile.MaxPut {
		return nil, properties{}, refused(op, key, objstore.ErrTooLarge, "larger than one request may be")
	}
	if kind := c.profile.CheckPut(opts.Condition); kind != nil {
		return nil, properties{}, refused(op, key, kind, "the store cannot keep the condition")
	}
	p, err := c.properties(ctx, op, key, &opts.ObjectOptions)
	if err != nil {
		return nil, properties{}, err
	}
	d, kind := fieldsOf(body.Digest)
	if kind != nil {
		return nil, properties{}, refused(op, key, kind, "no such digest")
	}
	in := &awss3.PutObjectInput{
		Bucket: &c.bucket, Key: &key, ContentLength: &body.Size,
		ContentMD5: d.md5, ChecksumCRC32C: d.crc32c, ChecksumCRC64NVME: d.crc64nvme,
		ContentType: p.contentType, CacheControl: p.cacheControl, ContentDisposition: p.disposition,
		ContentEncoding: p.encoding, ContentLanguage: p.language, Expires: p.expires,
		Metadata: p.metadata, StorageClass: p.class, Tagging: p.tagging, ACL: p.acl,
		GrantFullControl: p.grants.full, GrantRead: p.grants.read, GrantReadACP: p.grants.readACP, GrantWriteACP: p.grants.writeACP,
		ServerSideEncryption: p.sse.mode, SSEKMSKeyId: p.sse.kmsKey, SSEKMSEncryptionContext: p.sse.kmsContext,
		BucketKeyEnabled: p.sse.bucketKey, SSECustomerAlgorithm: p.sse.algorithm,
		SSECustomerKey: p.sse.key, SSECustomerKeyMD5: p.sse.sum,
	}
	if body.Size > 0 {
		in.Body = body.Reader
	}
	in.IfMatch, in.IfNoneMatch = conditions(c.profile.NoClobberPut, opts.Condition)
	return in, p, nil
}
