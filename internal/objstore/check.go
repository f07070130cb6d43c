package objstore

import (
	"strings"
	"unicode/utf8"
)

// MaxTags is the most tags that an object may have: the limit of S3.
const MaxTags = 10

// CheckKey tells before anything is sent whether the store would take the key:
// nil, ErrKeyTooLong or ErrInvalid. Keys are UTF-8: bytes that are not make a
// signature that no server can verify.
func (p *Profile) CheckKey(key string) error {
	switch {
	case key == "", !utf8.ValidString(key), p.Key.XMLOnly && !XMLSafe(key):
		return ErrInvalid
	case p.Key.MaxBytes > 0 && len(key) > p.Key.MaxBytes:
		return ErrKeyTooLong
	case p.Key.Forbid != "" && strings.IndexByte(p.Key.Forbid, key[0]) >= 0:
		return ErrInvalid
	}
	if p.Key.MaxSegment == 0 {
		return nil
	}
	for segment := range strings.SplitSeq(key, "/") {
		if len(segment) > p.Key.MaxSegment {
			return ErrKeyTooLong
		}
	}
	return nil
}

// XMLSafe tells whether a key can stand in an XML document: XML 1.0 has no way to
// write most control characters, nor bytes that are not UTF-8.
func XMLSafe(key string) bool {
	if !utf8.ValidString(key) {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return !xmlChar(r) })
}

// xmlChar is the production Char of XML 1.0.
func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// CheckPut tells whether the store can keep a condition on Put: nil or ErrUnsupported.
func (p *Profile) CheckPut(c Condition) error {
	return checkCondition(c, p.NoClobberPut, p.IfMatchPut)
}

// CheckComplete tells whether the store can keep a condition on Complete: nil
// or ErrUnsupported.
func (p *Profile) CheckComplete(c Condition) error {
	return checkCondition(c, p.NoClobberDone, p.IfMatchDone)
}

// CheckCopy tells whether the store can keep a condition on the target of a
// Copy: nil or ErrUnsupported.
func (p *Profile) CheckCopy(c Condition) error {
	guard := GuardNone
	if p.CopyGuards {
		guard = GuardIfNoneMatch
	}
	return checkCondition(c, guard, p.CopyGuards)
}

func checkCondition(c Condition, absent Guard, etag bool) error {
	if c.Absent && absent != GuardIfNoneMatch || c.ETag != "" && !etag {
		return ErrUnsupported
	}
	return nil
}

// metaPrefix goes before the name of each piece of metadata on the wire.
const metaPrefix = "x-amz-meta-"

// CheckOptions tells whether the properties of an object are within the
// store's limits: nil or ErrInvalid. The prefix of the names is counted, since
// MinIO counts it.
func (p *Profile) CheckOptions(o *ObjectOptions) error {
	n := 0
	for name, value := range o.Metadata {
		n += len(metaPrefix) + len(name) + len(value)
	}
	if p.MetaBytes > 0 && n > p.MetaBytes || len(o.Tags) > MaxTags {
		return ErrInvalid
	}
	return nil
}
