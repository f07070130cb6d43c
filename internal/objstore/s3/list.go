package s3

import (
	"cmp"
	"context"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// List implements objstore.Store.
func (c *Client) List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error) {
	limit := int32(objstore.MaxPage)
	if opts.Max > 0 {
		limit = int32(min(opts.Max, objstore.MaxPage))
	}
	x := &exchange{lists: true}
	var l *listing
	var err error
	if c.profile.ListV2 {
		l, err = c.listV2(x.in(ctx), opts, limit)
	} else {
		l, err = c.listV1(x.in(ctx), opts, limit)
	}
	if err != nil {
		return objstore.ListPage{}, failure(ctx, x, objstore.OpList, opts.Prefix, err)
	}
	if x.listing != nil {
		l = x.listing
	}
	if opts.Token == "" {
		dropUpTo(&l.page, opts.StartAfter)
	}
	if l.truncated && c.profile.ListV2 {
		l.page.Token = l.token
	} else if l.truncated {
		l.page.Token = cmp.Or(l.marker, lastName(l.page))
	}
	return l.page, nil
}

func (c *Client) encoding() types.EncodingType {
	if c.profile.ListURLEncode {
		return types.EncodingTypeUrl
	}
	return ""
}

func (c *Client) listV2(ctx context.Context, opts objstore.ListOptions, limit int32) (*listing, error) {
	in := &awss3.ListObjectsV2Input{
		Bucket: &c.bucket, Prefix: optional(opts.Prefix), Delimiter: optional(opts.Delimiter),
		MaxKeys: &limit, EncodingType: c.encoding(),
	}
	if opts.Token != "" {
		in.ContinuationToken = &opts.Token
	} else {
		in.StartAfter = optional(opts.StartAfter)
	}
	out, err := c.api.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, err
	}
	l := &listing{page: listed(out.Contents, out.CommonPrefixes), encoded: out.EncodingType == types.EncodingTypeUrl}
	l.truncated, l.token = plain(out.IsTruncated), plain(out.NextContinuationToken)
	l.decode()
	return l, nil
}

// listV1 serves stores that know only the first version, whose token is the last
// name of the page.
func (c *Client) listV1(ctx context.Context, opts objstore.ListOptions, limit int32) (*listing, error) {
	in := &awss3.ListObjectsInput{
		Bucket: &c.bucket, Prefix: optional(opts.Prefix), Delimiter: optional(opts.Delimiter),
		MaxKeys: &limit, EncodingType: c.encoding(), Marker: optional(cmp.Or(opts.Token, opts.StartAfter)),
	}
	out, err := c.api.ListObjects(ctx, in)
	if err != nil {
		return nil, err
	}
	l := &listing{page: listed(out.Contents, out.CommonPrefixes), encoded: out.EncodingType == types.EncodingTypeUrl}
	l.truncated, l.marker = plain(out.IsTruncated), plain(out.NextMarker)
	l.decode()
	return l, nil
}

// listed makes a page of what the SDK read.
func listed(objects []types.Object, prefixes []types.CommonPrefix) objstore.ListPage {
	var page objstore.ListPage
	if len(objects) > 0 {
		page.Objects = make([]objstore.Info, len(objects))
	}
	for i := range objects {
		o := &objects[i]
		page.Objects[i] = objstore.Info{
			Key:              plain(o.Key),
			Size:             plain(o.Size),
			ETag:             unquote(o.ETag),
			ModTime:          plain(o.LastModified),
			StorageClassSeen: seenClass(o.StorageClass),
		}
	}
	for _, p := range prefixes {
		page.Prefixes = append(page.Prefixes, plain(p.Prefix))
	}
	return page
}

func lastName(p objstore.ListPage) string {
	last := ""
	if n := len(p.Objects); n > 0 {
		last = p.Objects[n-1].Key
	}
	if n := len(p.Prefixes); n > 0 {
		last = max(last, p.Prefixes[n-1])
	}
	return last
}

// dropUpTo removes what does not come after a name. Stores agree about keys, but
// some show a prefix again of which only a later key was asked for.
func dropUpTo(p *objstore.ListPage, after string) {
	if after == "" {
		return
	}
	for len(p.Objects) > 0 && p.Objects[0].Key <= after {
		p.Objects = p.Objects[1:]
	}
	for len(p.Prefixes) > 0 && p.Prefixes[0] <= after {
		p.Prefixes = p.Prefixes[1:]
	}
}
