package memhttp

import (
	"net/http"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// page asks the store for a page and makes the result of it that both versions
// have in common.
func (q *request) page(opts objstore.ListOptions) (listResult, string, error) {
	limit, err := q.number("max-keys")
	if err != nil {
		return listResult{}, "", err
	}
	opts.Prefix, opts.Delimiter, opts.Max = q.query.Get("prefix"), q.query.Get("delimiter"), limit
	page, err := q.h.store.List(q.r.Context(), opts)
	if err != nil {
		return listResult{}, "", err
	}
	encode, kind := q.encoder()
	out := listResult{
		NS: namespace, Name: q.h.bucket, Prefix: encode(opts.Prefix), Delimiter: encode(opts.Delimiter),
		MaxKeys: limit, EncodingType: kind, IsTruncated: page.Token != "",
	}
	last := ""
	for _, o := range page.Objects {
		out.Contents = append(out.Contents, listedObject{encode(o.Key), isoTime(o.ModTime), q.etag(o.ETag), o.Size, wireClass(o.StorageClassSeen)})
		last = o.Key
	}
	for _, p := range page.Prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, listedPrefix{encode(p)})
		last = max(last, p)
	}
	if page.Token != "" && opts.Delimiter != "" {
		out.NextMarker = encode(last) // S3 gives it only then
	}
	return out, page.Token, nil
}

func (q *request) listV2() error {
	opts := objstore.ListOptions{StartAfter: q.query.Get("start-after"), Token: q.query.Get("continuation-token")}
	result, token, err := q.page(opts)
	if err != nil {
		return err
	}
	result.NextMarker = ""
	result.NextContinuationToken = token
	result.KeyCount = len(result.Contents) + len(result.CommonPrefixes)
	q.answerXML(http.StatusOK, result)
	return nil
}

func (q *request) listV1() error {
	result, _, err := q.page(objstore.ListOptions{StartAfter: q.query.Get("marker")})
	if err != nil {
		return err
	}
	q.answerXML(http.StatusOK, result)
	return nil
}

func (q *request) listUploads() error {
	if !q.h.personality.ListUploads {
		return notImplemented()
	}
	limit, err := q.number("max-uploads")
	if err != nil {
		return err
	}
	page, err := q.h.store.ListUploads(q.r.Context(), objstore.ListUploadsOptions{
		Prefix: q.query.Get("prefix"), KeyMarker: q.query.Get("key-marker"),
		UploadIDMarker: q.query.Get("upload-id-marker"), Max: limit,
	})
	if err != nil {
		return err
	}
	encode, kind := q.encoder()
	result := uploadsResult{
		NS: namespace, Bucket: q.h.bucket, EncodingType: kind, IsTruncated: page.NextKeyMarker != "",
		NextKeyMarker: encode(page.NextKeyMarker), NextUploadIDMarker: page.NextUploadIDMarker,
	}
	for _, u := range page.Uploads {
		result.Upload = append(result.Upload, listedUpload{encode(u.Key), u.ID, isoTime(u.Initiated), wireClass(u.StorageClass)})
	}
	q.answerXML(http.StatusOK, result)
	return nil
}

func (q *request) listParts() error {
	up, err := q.upload()
	if err != nil {
		return err
	}
	after, err := q.number("part-number-marker")
	if err != nil {
		return err
	}
	page, err := q.h.store.ListParts(q.r.Context(), up, int32(after))
	if err != nil {
		return err
	}
	result := partsResult{NS: namespace, Bucket: q.h.bucket, Key: q.key, UploadID: up.ID, NextPartNumberMarker: page.Next, IsTruncated: page.Next != 0}
	for _, p := range page.Parts {
		listed := listedPart{PartNumber: p.Number, LastModified: isoTime(p.ModTime), ETag: q.etag(p.ETag), Size: p.Size}
		listed.ChecksumCRC32C, listed.ChecksumCRC64NVME = fields(p.Digest)
		result.Part = append(result.Part, listed)
	}
	q.answerXML(http.StatusOK, result)
	return nil
}
