package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Get implements objstore.Store.
func (c *Client) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	const op = objstore.OpGet
	if err := c.checkKey(op, key); err != nil {
		return nil, objstore.Info{}, err
	}
	if opts.Offset < 0 || opts.Length < 0 {
		return nil, objstore.Info{}, refused(op, key, objstore.ErrInvalid, "a range cannot be negative")
	}
	in := &awss3.GetObjectInput{Bucket: &c.bucket, Key: &key, IfMatch: quote(opts.IfMatch), Range: httpRange(opts.Offset, opts.Length)}
	var body io.ReadCloser
	var x *exchange
	err := c.unlocking(opts.SSE, func(sse objstore.SSE) (err error) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(sse)
		x = &exchange{pool: readPool, stream: true}
		if body, err = c.fetch(ctx, x, in); err != nil {
			return failure(ctx, x, op, key, err)
		}
		return nil
	})
	if err != nil {
		return nil, objstore.Info{}, err
	}
	size, err := extent(x, in.Range != nil)
	if err != nil {
		body.Close()
		return nil, objstore.Info{}, &objstore.Error{Op: op, Key: key, Kind: objstore.ErrInternal, Err: err}
	}
	return &getBody{ctx: ctx, key: key, body: body, left: x.length}, seen(key, x.header, size), nil
}

// fetch sends a GET. The headers of its answer are in the exchange.
func (c *Client) fetch(ctx context.Context, x *exchange, in *awss3.GetObjectInput) (io.ReadCloser, error) {
	if c.direct != nil {
		return c.direct.get(ctx, x, in, c.traffic)
	}
	out, err := c.api.GetObject(x.in(ctx), in, headers(c.traffic...))
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

// httpRange is a Range header, nil for the whole object.
func httpRange(offset, length int64) *string {
	var r string
	switch {
	case offset == 0 && length == 0:
		return nil
	case length == 0:
		r = fmt.Sprintf("bytes=%d-", offset)
	default:
		r = fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
	}
	return &r
}

// extent finds the size of the object.
func extent(x *exchange, ranged bool) (int64, error) {
	if x.length < 0 {
		return 0, errors.New("the store does not say how long the body is")
	}
	if !ranged {
		return x.length, nil
	}
	_, total, ok := strings.Cut(x.header.Get("Content-Range"), "/")
	if !ok {
		return 0, errors.New("the store ignored the range")
	}
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return 0, errors.New("the store does not say how large the object is")
	}
	return size, nil
}

// getBody is the body of an answer, which ends early only with an error.
type getBody struct {
	ctx  context.Context // of the request, which ends the body too
	key  string
	body io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *getBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if err == nil || err == io.EOF && b.left <= 0 {
		return n, err
	}
	e := &objstore.Error{Op: objstore.OpGet, Key: b.key, Kind: objstore.ErrUnavailable}
	if b.ctx.Err() != nil {
		e.Kind = b.ctx.Err()
		return n, e
	}
	e.Err = fmt.Errorf("%w: %w", objstore.ErrBroken, io.ErrUnexpectedEOF)
	if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		e.Err = fmt.Errorf("%w: %w", e.Err, err)
	}
	return n, e
}

// Close implements io.Closer.
func (b *getBody) Close() error { return b.body.Close() }
