package s3

import (
	"context"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// ListUploads implements objstore.Store.
func (c *Client) ListUploads(ctx context.Context, opts objstore.ListUploadsOptions) (objstore.UploadPage, error) {
	const op = objstore.OpListUploads
	if c.profile.ListUploads == objstore.ListUploadsNone {
		return objstore.UploadPage{}, refused(op, opts.Prefix, objstore.ErrUnsupported, "the store does not list uploads")
	}
	limit := int32(objstore.MaxPage)
	if opts.Max > 0 && c.profile.UploadMarkers {
		limit = int32(min(opts.Max, objstore.MaxPage))
	}
	in := &awss3.ListMultipartUploadsInput{
		Bucket: &c.bucket, Prefix: optional(opts.Prefix), MaxUploads: &limit, EncodingType: c.encoding(),
		KeyMarker: optional(opts.KeyMarker), UploadIdMarker: optional(opts.UploadIDMarker),
	}
	x := &exchange{}
	out, err := c.api.ListMultipartUploads(x.in(ctx), in)
	if err != nil {
		return objstore.UploadPage{}, failure(ctx, x, op, opts.Prefix, err)
	}
	encoded := out.EncodingType == types.EncodingTypeUrl
	var page objstore.UploadPage
	for _, u := range out.Uploads {
		page.Uploads = append(page.Uploads, objstore.Upload{
			Key:          decodeKey(plain(u.Key), encoded),
			ID:           plain(u.UploadId),
			Initiated:    plain(u.Initiated),
			StorageClass: seenClass(u.StorageClass),
		})
	}
	if plain(out.IsTruncated) {
		page.NextKeyMarker = decodeKey(plain(out.NextKeyMarker), encoded)
		page.NextUploadIDMarker = plain(out.NextUploadIdMarker)
		if !c.profile.UploadMarkers {
			endBetweenKeys(&page)
		}
	}
	return page, nil
}

// endBetweenKeys shortens a page so that the next one can go on behind a key. Of
// a key with more uploads than a page holds, those past the page are lost.
func endBetweenKeys(p *objstore.UploadPage) {
	last := len(p.Uploads) - 1
	cut := last
	for cut >= 0 && p.Uploads[cut].Key == p.Uploads[last].Key {
		cut--
	}
	if cut >= 0 {
		p.Uploads = p.Uploads[:cut+1]
		last = cut
	}
	if last >= 0 {
		p.NextKeyMarker = p.Uploads[last].Key
	}
	p.NextUploadIDMarker = ""
}
