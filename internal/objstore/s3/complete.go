package s3

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Complete implements objstore.Store. After an answer of 200 without an ETag, the
// object is looked at where its ETag is known beforehand. Elsewhere that answer, which
// stores give that call back somewhere else, is ErrInternal with Sent: the object
// may be there.
func (c *Client) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	const op = objstore.OpComplete
	up = c.keyedUpload(up)
	in, err := c.completeInput(up, parts, opts)
	if err != nil {
		return objstore.Info{}, err
	}
	// Ceph 16 puts bytes that are no XML behind long keys.
	x := &exchange{sanitise: !objstore.XMLSafe(up.Key) || c.profile.DoubtDone}
	out, err := c.api.CompleteMultipartUpload(x.in(ctx), in, headers(c.forbid(c.profile.NoClobberDone, opts.Condition)...))
	if err != nil {
		return objstore.Info{}, c.doubted(ctx, up, guarded(failure(ctx, x, op, up.Key, err), opts.Condition))
	}
	etag := unquote(out.ETag)
	unsure := c.profile.DoubtDone
	if etag == "" { // Ceph 16
		if etag = c.profile.JoinedETag(parts); etag == "" {
			return objstore.Info{}, unknown(x, op, up.Key, "the store gave no ETag")
		}
		unsure = true
	}
	info := objstore.Info{Key: up.Key, ETag: etag, ModTime: time.Now(), VersionID: plain(out.VersionId)}
	if info.Size = opts.Size; info.Size == 0 {
		for _, p := range parts {
			info.Size += p.Size
		}
	}
	if out.ChecksumType != types.ChecksumTypeComposite {
		info.Checksum = told(out.ChecksumCRC32C, out.ChecksumCRC64NVME)
	}
	if info.Checksum.IsZero() {
		info.Checksum = c.answer(x)
	}
	if d := opts.Digest; info.Checksum.Algorithm == d.Algorithm && !info.Checksum.Equal(d) {
		return objstore.Info{}, spoilt(x, up.Key)
	}
	// Only of an object that it has just made does such a store tell the checksum,
	// and that object may have been replaced since.
	if unsure && out.ChecksumType == "" {
		return c.lookAt(ctx, info)
	}
	return info, nil
}

// doubted finds out whether a store that fails to complete an upload has none.
func (c *Client) doubted(ctx context.Context, up objstore.UploadRef, err error) error {
	var e *objstore.Error
	if !c.profile.DoubtDone || !errors.As(err, &e) || !errors.Is(e.Kind, objstore.ErrUnavailable) || e.Status < 500 {
		return err
	}
	if _, gone := c.ListParts(ctx, up, 0); errors.Is(gone, objstore.ErrNoSuchUpload) {
		e.Kind = objstore.ErrNoSuchUpload
	}
	return err
}

// lookAt makes sure that a Complete made the object that is there. Otherwise it
// is as if the store had known no such upload.
func (c *Client) lookAt(ctx context.Context, done objstore.Info) (objstore.Info, error) {
	const op = objstore.OpComplete
	got, x, err := c.head(ctx, op, done.Key)
	if err == nil && got.ETag == done.ETag {
		return got, nil
	}
	var e *objstore.Error
	if errors.As(err, &e) && !errors.Is(e.Kind, objstore.ErrNotFound) && !errors.Is(e.Kind, objstore.ErrNoSuchUpload) {
		e.Sent = true
		return objstore.Info{}, e
	}
	return objstore.Info{}, &objstore.Error{
		Op: op, Key: done.Key, Kind: objstore.ErrNoSuchUpload, Status: x.status, Code: "NotDone",
		Message: "the store said that it was done, but another object is there", RequestID: x.requestID(), Sent: true,
	}
}

// spoilt is the error of an object that was made and is not what was sent. It is none
// that heals, nor one that leaves open what happened: sending Complete again would
// only find that the upload is gone and its object there.
func spoilt(x *exchange, key string) error {
	return &objstore.Error{
		Op: objstore.OpComplete, Key: key, Kind: objstore.ErrInvalidPart, Status: x.status, Code: "WrongEcho",
		Message: "the store acknowledged another checksum of the whole", RequestID: x.requestID(),
	}
}

func (c *Client) completeInput(up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (*awss3.CompleteMultipartUploadInput, error) {
	const op = objstore.OpComplete
	if kind := c.profile.CheckComplete(opts.Condition); kind != nil {
		return nil, refused(op, up.Key, kind, "the store cannot keep the condition")
	}
	if len(parts) == 0 {
		return nil, refused(op, up.Key, objstore.ErrInvalid, "an object has at least one part")
	}
	if !slices.IsSortedFunc(parts, func(a, b objstore.Part) int { return cmp.Compare(a.Number, b.Number) }) {
		return nil, refused(op, up.Key, objstore.ErrInvalid, "parts must be in ascending order")
	}
	if kind := c.profile.CheckParts(parts); kind != nil {
		return nil, refused(op, up.Key, kind, kind.Error())
	}
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: &up.Key, UploadId: &up.ID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: completed(parts)},
	}
	in.IfMatch, in.IfNoneMatch = conditions(c.profile.NoClobberDone, opts.Condition)
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customerKey(up.SSE)
	if !c.profile.FullDigest {
		return in, nil
	}
	if opts.Size > 0 {
		in.MpuObjectSize = &opts.Size
	}
	if opts.Digest.Algorithm == c.profile.Digest {
		d, _ := fieldsOf(opts.Digest)
		in.ChecksumCRC32C, in.ChecksumCRC64NVME = d.crc32c, d.crc64nvme
		in.ChecksumType = types.ChecksumTypeFullObject
	}
	return in, nil
}

// completed lists the parts, their ETags without quotes: 10,000 of them in
// quotes would pass the megabyte that some stores take. Their digests were
// verified when they came.
func completed(parts []objstore.Part) []types.CompletedPart {
	out := make([]types.CompletedPart, len(parts))
	for i := range parts {
		p := &parts[i]
		out[i] = types.CompletedPart{PartNumber: &p.Number, ETag: &p.ETag}
	}
	return out
}
