package memhttp

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func (q *request) createMultipart() error {
	opts, err := q.options()
	if err != nil {
		return err
	}
	id, err := q.h.store.CreateMultipart(q.r.Context(), q.key, opts)
	if err != nil {
		return err
	}
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	q.h.declared[id] = objstore.Algorithm(q.r.Header.Get("X-Amz-Checksum-Algorithm"))
	q.answerXML(http.StatusOK, initiated{NS: namespace, Bucket: q.h.bucket, Key: q.key, UploadID: id})
	return nil
}

// upload reads which upload is meant.
func (q *request) upload() (objstore.UploadRef, error) {
	sse, err := q.sse("X-Amz-Server-Side-Encryption")
	return objstore.UploadRef{Key: q.key, ID: q.query.Get("uploadId"), SSE: sse}, err
}

// forget drops what was remembered of an upload that ended.
func (h *Handler) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.declared, id)
}

// announced is the checksum that an upload was begun with.
func (h *Handler) announced(id string) objstore.Algorithm {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.declared[id]
}

// checkDeclared refuses a checksum of a part that the upload was not begun with.
// Of uploads that it does not know, the store has the say.
func (h *Handler) checkDeclared(id string, d objstore.Digest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	declared, known := h.declared[id]
	if h.personality.Undeclared || !known || d.IsZero() || d.Algorithm == objstore.ContentMD5 || declared == d.Algorithm {
		return nil
	}
	return fail(400, "InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+
		string(declared)+", actual checksum Type: "+string(d.Algorithm))
}

func (q *request) uploadPart() error {
	up, err := q.upload()
	if err != nil {
		return err
	}
	n, err := q.number("partNumber")
	if err != nil {
		return err
	}
	body, err := q.body()
	if err != nil {
		return err
	}
	if err := q.h.checkDeclared(up.ID, body.Digest); err != nil {
		return err
	}
	p, err := q.h.store.UploadPart(q.r.Context(), up, int32(n), body)
	if err != nil {
		return err
	}
	q.w.Header().Set("Etag", q.etag(p.ETag))
	if body.Digest.Algorithm == p.Digest.Algorithm || p.Digest.Algorithm == objstore.CRC64ECMA {
		q.echo(p.Digest)
	}
	return nil
}

func (q *request) uploadPartCopy() error {
	up, err := q.upload()
	if err != nil {
		return err
	}
	n, err := q.number("partNumber")
	if err != nil {
		return err
	}
	src, err := q.source()
	if err != nil {
		return err
	}
	p, err := q.h.store.UploadPartCopy(q.r.Context(), up, int32(n), src)
	if err != nil {
		return err
	}
	result := copied{XMLName: xml.Name{Local: "CopyPartResult"}, NS: namespace, ETag: q.etag(p.ETag), LastModified: isoTime(p.ModTime)}
	result.ChecksumCRC32C, result.ChecksumCRC64NVME = fields(p.Digest)
	q.answerSlowly(result)
	return nil
}

func (q *request) complete() error {
	up, err := q.upload()
	if err != nil {
		return err
	}
	opts, err := q.completeOptions()
	if err != nil {
		return err
	}
	var doc completion
	raw, err := q.document(&doc)
	if err != nil {
		return err
	}
	if limit := q.h.personality.CompleteBytes; limit > 0 && int64(len(raw)) > limit {
		return fail(400, "MaxMessageLengthExceeded", "Your request was too big.")
	}
	parts := make([]objstore.Part, len(doc.Part))
	for i, p := range doc.Part {
		parts[i] = objstore.Part{Number: p.PartNumber, ETag: q.given(p.ETag), Digest: partDigest(p.ChecksumCRC32C, p.ChecksumCRC64NVME)}
		if q.h.personality.Declared && q.h.announced(up.ID) != objstore.DigestNone && parts[i].Digest.IsZero() {
			return fail(400, "InvalidDigest", "The checksum of a part is missing.")
		}
	}
	info, err := q.h.store.Complete(q.r.Context(), up, parts, opts)
	if err != nil {
		return q.existing(err)
	}
	q.h.forget(up.ID)
	if info.Checksum.Algorithm == objstore.CRC64ECMA {
		q.echo(info.Checksum)
	}
	result := completed{NS: namespace, Bucket: q.h.bucket, Key: q.key, ETag: q.etag(info.ETag)}
	if result.ChecksumCRC32C, result.ChecksumCRC64NVME = fields(info.Checksum); !info.Checksum.IsZero() {
		result.ChecksumType = "FULL_OBJECT"
	}
	q.answerSlowly(result)
	return nil
}

// completeOptions reads the guard and the checksum of a Complete.
func (q *request) completeOptions() (opts objstore.CompleteOptions, err error) {
	if opts.Condition, err = q.guard(q.h.personality.DoneGuard); err != nil {
		return opts, err
	}
	if s := q.r.Header.Get("X-Amz-Mp-Object-Size"); s != "" {
		if opts.Size, err = strconv.ParseInt(s, 10, 64); err != nil {
			return opts, fail(400, "InvalidRequest", "Value for x-amz-mp-object-size header is invalid.")
		}
	}
	opts.Digest, err = q.digest()
	return opts, err
}

func partDigest(crc32c, crc64nvme string) objstore.Digest {
	for a, value := range map[objstore.Algorithm]string{objstore.CRC32C: crc32c, objstore.CRC64NVME: crc64nvme} {
		if sum, err := base64.StdEncoding.DecodeString(value); err == nil && len(sum) > 0 {
			return objstore.Digest{Algorithm: a, Sum: sum}
		}
	}
	return objstore.Digest{}
}

// abort answers 404 for an upload that is not there, as S3 does and the
// contract hides.
func (q *request) abort() error {
	up, err := q.upload()
	if err != nil {
		return err
	}
	if _, err := q.h.store.ListParts(q.r.Context(), up, 0); err != nil {
		return err
	}
	if err := q.h.store.Abort(q.r.Context(), up); err != nil {
		return err
	}
	q.h.forget(up.ID)
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
