package s3

import (
	"context"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

const opCreateBucket = "CreateBucket"

// HeadBucket implements objstore.Store.
func (c *Client) HeadBucket(ctx context.Context) error {
	_, err := c.headBucket(ctx)
	return err
}

func (c *Client) headBucket(ctx context.Context) (*exchange, error) {
	x := &exchange{}
	_, err := c.api.HeadBucket(x.in(ctx), &awss3.HeadBucketInput{Bucket: &c.bucket})
	if err != nil {
		return x, failure(ctx, x, objstore.OpHeadBucket, "", err)
	}
	return x, nil
}

// CreateBucket makes the client's bucket, for tests and demonstrations.
func (c *Client) CreateBucket(ctx context.Context) error {
	in := &awss3.CreateBucketInput{Bucket: &c.bucket}
	if c.region != defaultRegion && c.profile.RegionInBody {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(c.region)}
	}
	x := &exchange{}
	if _, err := c.api.CreateBucket(x.in(ctx), in); err != nil {
		return failure(ctx, x, opCreateBucket, "", err)
	}
	return nil
}
