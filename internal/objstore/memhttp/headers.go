package memhttp

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

const metaPrefix = "X-Amz-Meta-"

// options reads the properties of the object to be.
func (q *request) options() (objstore.ObjectOptions, error) {
	h := q.r.Header
	o := objstore.ObjectOptions{
		ContentType:        h.Get("Content-Type"),
		CacheControl:       h.Get("Cache-Control"),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentEncoding:    strings.Trim(strings.ReplaceAll(h.Get("Content-Encoding"), "aws-chunked", ""), ", "),
		ContentLanguage:    h.Get("Content-Language"),
		Expires:            h.Get("Expires"),
		StorageClass:       h.Get("X-Amz-Storage-Class"),
		ACL:                h.Get("X-Amz-Acl"),
	}
	for name, values := range h {
		if meta, ok := strings.CutPrefix(name, metaPrefix); ok {
			if o.Metadata == nil {
				o.Metadata = map[string]string{}
			}
			o.Metadata[strings.ToLower(meta)] = strings.Join(values, ",")
		}
	}
	tags, err := url.ParseQuery(h.Get("X-Amz-Tagging"))
	if err != nil {
		return o, fail(400, "InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters")
	}
	o.Grants = objstore.Grants{
		FullControl: h.Get("X-Amz-Grant-Full-Control"),
		Read:        h.Get("X-Amz-Grant-Read"),
		ReadACP:     h.Get("X-Amz-Grant-Read-Acp"),
		WriteACP:    h.Get("X-Amz-Grant-Write-Acp"),
	}
	for name := range tags {
		if o.Tags == nil {
			o.Tags = map[string]string{}
		}
		o.Tags[name] = tags.Get(name)
	}
	o.SSE, err = q.sse("X-Amz-Server-Side-Encryption")
	return o, err
}

// sse reads how to encrypt, or with the other prefix how the source of a copy is.
func (q *request) sse(prefix string) (objstore.SSE, error) {
	h := q.r.Header
	if h.Get(prefix+"-Customer-Algorithm") != "" {
		key, err := base64.StdEncoding.DecodeString(h.Get(prefix + "-Customer-Key"))
		if err != nil {
			return objstore.SSE{}, fail(400, "InvalidArgument", "The secret key was invalid for the specified algorithm.")
		}
		return objstore.SSE{Mode: "c", CustomerKey: key}, nil
	}
	modes := map[string]string{"": "", "AES256": "aes256", "aws:kms": "kms", "aws:kms:dsse": "kms:dsse"}
	mode, ok := modes[h.Get(prefix)]
	if !ok {
		return objstore.SSE{}, fail(400, "InvalidArgument", "The encryption method specified is not supported")
	}
	return objstore.SSE{
		Mode:       mode,
		KMSKeyID:   h.Get(prefix + "-Aws-Kms-Key-Id"),
		KMSContext: h.Get(prefix + "-Context"),
		BucketKey:  h.Get(prefix+"-Bucket-Key-Enabled") == "true",
	}, nil
}

// condition reads the guard of a request that makes an object.
func (q *request) condition() (objstore.Condition, error) {
	c := objstore.Condition{ETag: q.given(q.r.Header.Get("If-Match"))}
	switch q.r.Header.Get("If-None-Match") {
	case "":
	case "*":
		c.Absent = true
	default:
		return c, notImplemented()
	}
	return c, nil
}

// describe sets the headers of an object's answer.
func (q *request) describe(info *objstore.Info) {
	h := q.w.Header()
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	h.Set("Etag", q.etag(info.ETag))
	h.Set("Last-Modified", info.ModTime.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", "binary/octet-stream")
	set("Content-Type", info.ContentType)
	set("Cache-Control", info.CacheControl)
	set("Content-Disposition", info.ContentDisposition)
	set("Content-Encoding", info.ContentEncoding)
	set("Content-Language", info.ContentLanguage)
	set("Expires", info.Expires)
	set("X-Amz-Storage-Class", info.StorageClassSeen)
	for name, value := range info.Metadata {
		h.Set(metaPrefix+name, value)
	}
	if info.TagsFrom != "" {
		h.Set("X-Amz-Tagging-Count", "1") // nobody looks at more than that there are some
	}
	modes := map[string]string{"aes256": "AES256", "kms": "aws:kms", "kms:dsse": "aws:kms:dsse"}
	set("X-Amz-Server-Side-Encryption", modes[info.SSE.Mode])
	set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", info.SSE.KMSKeyID)
	if info.SSE.Mode == "c" {
		h.Set("X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256")
	}
	if info.StorageClassSeen == "GLACIER" || info.StorageClassSeen == "DEEP_ARCHIVE" {
		if !info.Restore {
			h.Set("X-Amz-Restore", `ongoing-request="false", expiry-date="Fri, 21 Dec 2035 00:00:00 GMT"`)
		}
	}
	asked := q.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" || info.Checksum.Algorithm == objstore.CRC64ECMA
	if asked && q.r.Header.Get("Range") == "" {
		q.echo(info.Checksum)
	}
}

// byteRange reads "bytes=first-last" or "bytes=first-".
func byteRange(s string) (offset, length int64, err error) {
	wrong := fail(400, "InvalidArgument", "The range is not of the form bytes=first-last")
	spec, ok := strings.CutPrefix(s, "bytes=")
	first, last, ok2 := strings.Cut(spec, "-")
	if !ok || !ok2 {
		return 0, 0, wrong
	}
	if offset, err = strconv.ParseInt(first, 10, 64); err != nil {
		return 0, 0, wrong
	}
	if last == "" {
		return offset, 0, nil
	}
	end, err := strconv.ParseInt(last, 10, 64)
	if err != nil || end < offset {
		return 0, 0, wrong
	}
	return offset, end - offset + 1, nil
}
