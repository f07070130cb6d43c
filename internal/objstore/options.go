package objstore

import "maps"

// Carried returns the properties of an object that takes the place of another:
// one that is written again, or a copy under another name. had is what the other
// has, was what the rules of the mount gave its name, and now what they give the
// new one (twice the same where the name stays).
//
// What somebody set stays, what the name gave goes with the name, and what is
// missing comes from the rules. ACL and grants, which no store tells, are those
// of the rules, and an encryption that the rules ask for is kept to.
func Carried(had, was, now ObjectOptions) ObjectOptions {
	out := ObjectOptions{
		ContentType:        carried(typed(had.ContentType), was.ContentType, now.ContentType),
		CacheControl:       carried(had.CacheControl, was.CacheControl, now.CacheControl),
		ContentDisposition: carried(had.ContentDisposition, was.ContentDisposition, now.ContentDisposition),
		ContentEncoding:    carried(had.ContentEncoding, was.ContentEncoding, now.ContentEncoding),
		ContentLanguage:    carried(had.ContentLanguage, was.ContentLanguage, now.ContentLanguage),
		Expires:            carried(had.Expires, was.Expires, now.Expires),
		Metadata:           carriedMetadata(had.Metadata, was.Metadata, now.Metadata),
		StorageClass:       carried(had.StorageClass, was.StorageClass, now.StorageClass),
		Tags:               had.Tags,
		TagsFrom:           had.TagsFrom,
		ACL:                now.ACL,
		Grants:             now.Grants,
		SSE:                had.SSE,
	}
	if out.ContentType == "" {
		out.ContentType = had.ContentType
	}
	if len(out.Tags) == 0 && out.TagsFrom == "" {
		out.Tags = now.Tags
	}
	if now.SSE.Mode != "" {
		out.SSE = now.SSE
	}
	return out
}

// Rewritten is [Carried] of an object whose content is replaced under its own
// name. What was archived meanwhile would be out of reach at once: new content
// is not, unless the rules say so.
func Rewritten(had, rules ObjectOptions) ObjectOptions {
	if Archive(had.StorageClass) {
		had.StorageClass = ""
	}
	return Carried(had, rules, rules)
}

// Archive tells whether objects of a storage class must be restored before they
// can be read.
func Archive(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// SameHeaders tells whether two objects differ in nothing that a copy takes from
// its source by itself.
func SameHeaders(a, b ObjectOptions) bool {
	return a.ContentType == b.ContentType && a.CacheControl == b.CacheControl &&
		a.ContentDisposition == b.ContentDisposition && a.ContentEncoding == b.ContentEncoding &&
		a.ContentLanguage == b.ContentLanguage && a.Expires == b.Expires &&
		maps.Equal(a.Metadata, b.Metadata) && maps.Equal(a.Tags, b.Tags) && a.TagsFrom == b.TagsFrom
}

// carried is one property.
func carried(had, was, now string) string {
	if now != "" && (had == "" || had == was) {
		return now
	}
	return had
}

func carriedMetadata(had, was, now map[string]string) map[string]string {
	out := make(map[string]string, len(had)+len(now)+4) // posix attributes may come
	maps.Copy(out, had)
	for name, value := range now {
		if v, there := had[name]; !there || v == was[name] {
			out[name] = value
		}
	}
	return out
}

// typed is "" for the types that stores give an object that came without one.
func typed(contentType string) string {
	if contentType == "application/octet-stream" || contentType == "binary/octet-stream" {
		return ""
	}
	return contentType
}
