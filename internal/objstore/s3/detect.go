package s3

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Detect finds the profile of an endpoint on a host that no profile knows, by
// the headers of one HeadBucket: by Server, else by the region of the bucket,
// which only AWS and close followers tell. Whatever tells nothing is generic.
// The answer may well be an error of the bucket; Detect fails only if there is
// none. cfg.Profile is not used.
func Detect(ctx context.Context, cfg Config) (objstore.Profile, error) {
	cfg.Profile = objstore.GenericProfile()
	c, err := New(ctx, cfg)
	if err != nil {
		return objstore.Profile{}, err
	}
	defer c.Close()
	x, err := c.headBucket(ctx)
	if x.status == 0 {
		return objstore.Profile{}, err
	}
	if p, ok := objstore.ProfileByServer(x.header.Get("Server")); ok {
		return p, nil
	}
	if x.header.Get("X-Amz-Bucket-Region") == "" {
		return objstore.GenericProfile(), nil
	}
	p := objstore.DefaultProfile()
	p.Style = objstore.PathStyle // the host may not be one that buckets can be put before
	return p, nil
}

// BucketRegion asks where a bucket is, whatever else the answer to a HeadBucket
// may be: "" where the store does not tell. It fails only if there is no answer.
func BucketRegion(ctx context.Context, cfg Config) (string, error) {
	c, err := New(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	x, err := c.headBucket(ctx)
	if x.status == 0 {
		return "", err
	}
	return x.header.Get("X-Amz-Bucket-Region"), nil
}
