package s3

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Delete implements objstore.Store.
func (c *Client) Delete(ctx context.Context, key string) error {
	if err := c.checkKey(objstore.OpDelete, key); err != nil {
		return err
	}
	x := &exchange{}
	err := c.remove(ctx, x, key)
	if err == nil {
		return nil
	}
	err = failure(ctx, x, objstore.OpDelete, key, err)
	var e *objstore.Error
	if errors.As(err, &e) && (errors.Is(e.Kind, objstore.ErrNotFound) || e.Code == codeFolderInUse) {
		return nil
	}
	return err
}

func (c *Client) remove(ctx context.Context, x *exchange, key string) error {
	if c.direct != nil {
		return c.direct.remove(ctx, x, key)
	}
	_, err := c.api.DeleteObject(x.in(ctx), &awss3.DeleteObjectInput{Bucket: &c.bucket, Key: &key})
	return err
}

// codeFolderInUse is how a gateway over a file system refuses to delete "dir/"
// while there is something in it. To S3 such a name is not there, or goes and
// stays as a prefix: both are a success.
const codeFolderInUse = "ErrDirectoryNotEmpty"

// DeleteMany implements objstore.Store. Keys that cannot stand in XML go one by
// one, and so do all where the profile names no digest for the request.
func (c *Client) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	const op = objstore.OpDeleteMany
	if len(keys) > objstore.MaxPage {
		return nil, refused(op, "", objstore.ErrInvalid, "more than 1000 keys")
	}
	failed := map[string]error{}
	var ids []types.ObjectIdentifier
	for _, key := range keys {
		if c.profile.DeleteDigest != objstore.DigestNone && objstore.XMLSafe(key) && c.profile.CheckKey(key) == nil {
			ids = append(ids, types.ObjectIdentifier{Key: aws.String(key)})
			continue
		}
		if err := c.Delete(ctx, key); err != nil {
			failed[key] = err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, &objstore.Error{Op: op, Kind: err, Sent: true}
	}
	if len(ids) == 0 {
		return failed, nil
	}
	return failed, c.deleteAll(ctx, ids, failed)
}

// deleteAll makes the one request and notes the keys that it refused.
func (c *Client) deleteAll(ctx context.Context, ids []types.ObjectIdentifier, failed map[string]error) error {
	const op = objstore.OpDeleteMany
	var opts []func(*awss3.Options)
	if c.profile.DeleteDigest == objstore.ContentMD5 {
		opts = append(opts, md5Deletes)
	}
	x := &exchange{}
	out, err := c.api.DeleteObjects(x.in(ctx), &awss3.DeleteObjectsInput{
		Bucket: &c.bucket,
		Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	}, opts...)
	if err != nil {
		return failure(ctx, x, op, "", err)
	}
	for _, e := range out.Errors {
		kind, sent := objstore.Classify(500, plain(e.Code))
		if errors.Is(kind, objstore.ErrNotFound) || plain(e.Code) == codeFolderInUse {
			continue
		}
		key := plain(e.Key)
		failed[key] = &objstore.Error{Op: op, Key: key, Kind: kind, Status: x.status, Code: plain(e.Code), Message: plain(e.Message), Sent: sent}
	}
	return nil
}
