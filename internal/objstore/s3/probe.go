package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// What sluicefs doctor asks and no mount does.

const opLifecycle = "GetBucketLifecycleConfiguration"

// Clock returns the time of the store: the zero time where it tells none. It fails
// only if there is no answer.
func (c *Client) Clock(ctx context.Context) (time.Time, error) {
	x, err := c.headBucket(ctx)
	if x.status == 0 {
		return time.Time{}, err
	}
	t, err := http.ParseTime(x.header.Get("Date"))
	if err != nil {
		return time.Time{}, nil
	}
	return t, nil
}

// AbortRule tells after how many days a lifecycle rule ends unfinished uploads of a
// key: 0 means never.
func (c *Client) AbortRule(ctx context.Context, key string) (days int, err error) {
	x := &exchange{}
	out, err := c.api.GetBucketLifecycleConfiguration(x.in(ctx), &awss3.GetBucketLifecycleConfigurationInput{Bucket: &c.bucket})
	if err != nil {
		err = failure(ctx, x, opLifecycle, "", err)
		var e *objstore.Error
		if errors.As(err, &e) && strings.HasPrefix(e.Code, "NoSuchLifecycle") {
			return 0, nil
		}
		return 0, err
	}
	for i := range out.Rules {
		r := &out.Rules[i]
		if r.Status != types.ExpirationStatusEnabled || r.AbortIncompleteMultipartUpload == nil || !strings.HasPrefix(key, rulePrefix(r)) {
			continue
		}
		if n := int(plain(r.AbortIncompleteMultipartUpload.DaysAfterInitiation)); n > 0 && (days == 0 || n < days) {
			days = n
		}
	}
	return days, nil
}

// rulePrefix is what a rule is for, in the old or the new way of saying it.
func rulePrefix(r *types.LifecycleRule) string {
	if r.Filter != nil {
		if r.Filter.And != nil {
			return plain(r.Filter.And.Prefix)
		}
		if r.Filter.Prefix != nil {
			return *r.Filter.Prefix
		}
	}
	//lint:ignore SA1019 servers still answer with it
	return plain(r.Prefix)
}

// PutTrailer stores an object whose digest comes behind it, in the framing of AWS.
func (c *Client) PutTrailer(ctx context.Context, key string, data []byte) error {
	if err := c.checkKey(objstore.OpPut, key); err != nil {
		return err
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))
	framed := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", len(data), data, base64.StdEncoding.EncodeToString(sum))
	size := int64(len(framed))
	x := &exchange{}
	_, err := c.api.PutObject(x.in(ctx), &awss3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: bytes.NewReader([]byte(framed)), ContentLength: &size},
		func(o *awss3.Options) {
			o.APIOptions = append(o.APIOptions, streams,
				smithyhttp.SetHeaderValue("Content-Encoding", "aws-chunked"),
				smithyhttp.SetHeaderValue("X-Amz-Trailer", "x-amz-checksum-crc32"),
				smithyhttp.SetHeaderValue("X-Amz-Decoded-Content-Length", strconv.Itoa(len(data))))
		})
	if err != nil {
		return failure(ctx, x, objstore.OpPut, key, err)
	}
	return nil
}

// streams signs a body as one that is followed by trailers.
func streams(s *middleware.Stack) error {
	const id = "ComputePayloadHash"
	if _, ok := s.Finalize.Get(id); !ok {
		return nil
	}
	_, err := s.Finalize.Swap(id, middleware.FinalizeMiddlewareFunc(id,
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			return next.HandleFinalize(v4.SetPayloadHash(ctx, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), in)
		}))
	return err
}
