package memhttp

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func (q *request) headObject() error {
	info, err := q.h.store.Head(q.r.Context(), q.key)
	if err != nil {
		return err
	}
	if err := q.unlock(info); err != nil {
		return err
	}
	q.describe(&info)
	q.w.Header().Set("Content-Length", itoa(info.Size))
	return nil
}

// unlock refuses to tell of an object whose key was not given, and of one without
// a key if one was.
func (q *request) unlock(info objstore.Info) error {
	sse, err := q.sse("X-Amz-Server-Side-Encryption")
	if err != nil || sse.Mode != "c" && info.SSE.Mode != "c" {
		return err
	}
	body, _, err := q.h.store.Get(q.r.Context(), q.key, objstore.GetOptions{SSE: sse})
	if err == nil {
		return body.Close()
	}
	var e *objstore.Error
	if errors.As(err, &e) && errors.Is(e.Kind, objstore.ErrArchived) {
		return nil
	}
	return err
}

// getTags answers GetObjectTagging.
func (q *request) getTags() error {
	tags, err := q.h.store.Tags(q.r.Context(), q.key)
	if err != nil {
		return err
	}
	out := tagging{NS: namespace}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out.Tag = append(out.Tag, tag{name, tags[name]})
	}
	q.answerXML(http.StatusOK, out)
	return nil
}

func (q *request) getObject() error {
	opts := objstore.GetOptions{IfMatch: q.given(q.r.Header.Get("If-Match"))}
	ranged := q.r.Header.Get("Range")
	var err error
	if ranged != "" {
		if opts.Offset, opts.Length, err = byteRange(ranged); err != nil {
			return err
		}
	}
	if opts.SSE, err = q.sse("X-Amz-Server-Side-Encryption"); err != nil {
		return err
	}
	body, info, err := q.h.store.Get(q.r.Context(), q.key, opts)
	if err != nil {
		return err
	}
	defer body.Close()
	n := info.Size - opts.Offset
	if opts.Length > 0 {
		n = min(n, opts.Length)
	}
	q.describe(&info)
	q.w.Header().Set("Content-Length", itoa(n))
	if ranged != "" {
		q.w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", opts.Offset, opts.Offset+n-1, info.Size))
		q.w.WriteHeader(http.StatusPartialContent)
	}
	if _, err := io.Copy(q.w, body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (q *request) putObject() error {
	opts, err := q.options()
	if err != nil {
		return err
	}
	cond, err := q.guard(q.h.personality.PutGuard)
	if err != nil {
		return err
	}
	body, err := q.body()
	if err != nil {
		return err
	}
	info, err := q.h.store.Put(q.r.Context(), q.key, body, objstore.PutOptions{ObjectOptions: opts, Condition: cond})
	if err != nil {
		return q.existing(err)
	}
	q.w.Header().Set("Etag", q.etag(info.ETag))
	q.echo(info.Checksum)
	return nil
}

func (q *request) deleteObject() error {
	if err := q.h.store.Delete(q.r.Context(), q.key); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (q *request) deleteObjects() error {
	d, err := q.digest()
	if err != nil {
		return err
	}
	if !q.h.personality.BulkDelete {
		return notImplemented()
	}
	if d.Algorithm != objstore.ContentMD5 && (q.h.personality.RequireMD5 || q.r.Header.Get("X-Amz-Checksum-Crc32") == "") {
		return fail(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
	}
	var doc deletion
	raw, err := q.document(&doc)
	if err != nil {
		return err
	}
	if !d.IsZero() && !objstore.SumOf(d.Algorithm, raw).Equal(d) {
		return fail(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	keys := make([]string, len(doc.Object))
	for i, o := range doc.Object {
		keys[i] = o.Key
	}
	failed, err := q.h.store.DeleteMany(q.r.Context(), keys)
	if err != nil {
		return err
	}
	result := deleteResult{NS: namespace}
	for _, key := range keys {
		if e, ok := failed[key].(*objstore.Error); ok {
			result.Error = append(result.Error, deleteError{key, e.Code, e.Message})
		} else if !doc.Quiet {
			result.Deleted = append(result.Deleted, deletedKey{key})
		}
	}
	q.answerXML(http.StatusOK, result)
	return nil
}

// source reads where to copy from.
func (q *request) source() (objstore.CopySource, error) {
	plain, err := url.PathUnescape(q.r.Header.Get("X-Amz-Copy-Source"))
	bucket, key, ok := strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	if err != nil || !ok {
		return objstore.CopySource{}, fail(400, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if bucket != q.h.bucket {
		return objstore.CopySource{}, fail(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	src := objstore.CopySource{Key: key, IfMatch: q.given(q.r.Header.Get("X-Amz-Copy-Source-If-Match"))}
	if r := q.r.Header.Get("X-Amz-Copy-Source-Range"); r != "" {
		if src.Offset, src.Length, err = byteRange(r); err != nil {
			return src, err
		}
	}
	if !q.h.store.Profile().SourceGuards {
		src.IfMatch = ""
	}
	src.SSE, err = q.sse("X-Amz-Copy-Source-Server-Side-Encryption")
	return src, err
}

func (q *request) copyObject() error {
	src, err := q.source()
	if err != nil {
		return err
	}
	opts := objstore.CopyOptions{Replace: q.r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"}
	if opts.ObjectOptions, err = q.options(); err != nil {
		return err
	}
	if opts.Condition, err = q.guard(q.h.personality.CopyGuard); err != nil {
		return err
	}
	info, err := q.h.store.Copy(q.r.Context(), q.key, src, opts)
	if err != nil {
		return q.existing(err)
	}
	q.echo(info.Checksum)
	result := copied{XMLName: xml.Name{Local: "CopyObjectResult"}, NS: namespace, ETag: q.etag(info.ETag), LastModified: isoTime(info.ModTime)}
	result.ChecksumCRC32C, result.ChecksumCRC64NVME = fields(info.Checksum)
	q.answerSlowly(result)
	return nil
}

// number reads a number of the query.
func (q *request) number(name string) (int, error) {
	s := q.query.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fail(400, "InvalidArgument", "Provided "+name+" not an integer or within integer range")
	}
	return n, nil
}
