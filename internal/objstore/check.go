package objstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxTags is the most tags that an object may have: the limit of S3.
const MaxTags = 10

// CheckKey tells before anything is sent whether the store would take the key:
// nil, or a *Limit of the kind ErrKeyTooLong or ErrInvalid. Keys are UTF-8: bytes
// that are not make a signature that no server can verify.
func (p *Profile) CheckKey(key string) error {
	switch {
	case key == "":
		return p.limit(ErrInvalid, "an empty key", "keys of at least one byte")
	case !utf8.ValidString(key):
		return p.limit(ErrInvalid, "a key that is not UTF-8", "keys in UTF-8")
	case p.Key.XMLOnly && !XMLSafe(key):
		return p.limit(ErrInvalid, "a key with control characters", "keys that its XML can carry")
	case p.Key.MaxBytes > 0 && len(key) > p.Key.MaxBytes:
		return p.limit(ErrKeyTooLong, fmt.Sprintf("a key of %d bytes", len(key)), fmt.Sprintf("keys of %d bytes", p.Key.MaxBytes))
	case strings.IndexByte(p.Key.Forbid, key[0]) >= 0:
		return p.limit(ErrInvalid, fmt.Sprintf("a key that begins with %q", key[:1]), "keys that do not")
	case strings.ContainsAny(key, p.Key.Refuse):
		return p.limit(ErrInvalid, "a key with a control character", fmt.Sprintf("keys without %q", p.Key.Refuse))
	case p.Key.MaxSegment == 0:
		return nil
	}
	for segment := range strings.SplitSeq(key, "/") {
		if len(segment) > p.Key.MaxSegment {
			return p.limit(ErrKeyTooLong, fmt.Sprintf("a name of %d bytes", len(segment)), fmt.Sprintf("names of %d bytes", p.Key.MaxSegment))
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
	if c.Absent && !absent.Sent() || c.ETag != "" && !etag {
		return ErrUnsupported
	}
	return nil
}

// metaPrefix goes before the name of each piece of metadata on the wire.
const metaPrefix = "x-amz-meta-"

// CheckOptions tells whether the properties of an object are within the
// store's limits: nil or a *Limit of the kind ErrInvalid. The prefix of the names is
// counted, since MinIO counts it.
func (p *Profile) CheckOptions(o *ObjectOptions) error {
	n := 0
	for name, value := range o.Metadata {
		n += len(metaPrefix) + len(name) + len(value)
		if strings.ContainsAny(name, p.MetaForbid) {
			return p.limit(ErrInvalid, fmt.Sprintf("metadata named %q", name), fmt.Sprintf("names without %q", p.MetaForbid))
		}
	}
	switch {
	case p.MetaBytes > 0 && n > p.MetaBytes:
		return p.limit(ErrInvalid, fmt.Sprintf("%d bytes of metadata", n), fmt.Sprintf("%d bytes", p.MetaBytes))
	case len(o.Tags) > MaxTags:
		return p.limit(ErrInvalid, fmt.Sprintf("%d tags", len(o.Tags)), fmt.Sprintf("%d tags", MaxTags))
	}
	return nil
}

// CheckWanted tells whether the store offers what a user asks for new objects:
// nil or a *Limit of the kind ErrUnsupported that lists what it has. It is for the
// beginning of a mount: what an object has already is never refused for it.
func (p *Profile) CheckWanted(o *ObjectOptions) error {
	known := func(what, want string, list []string) error {
		if want == "" || list == nil || slices.Contains(list, want) {
			return nil
		}
		return p.limit(ErrUnsupported, what+" "+want, offered(list))
	}
	if err := known("storage class", o.StorageClass, p.Classes); err != nil {
		return err
	}
	if err := known("ACL", o.ACL, p.ACLs); err != nil {
		return err
	}
	if len(o.Tags) > 0 && !p.Tagging {
		return p.limit(ErrUnsupported, "tags", "objects without")
	}
	if o.SSE.Mode == "" || p.Encryption == nil {
		return nil
	}
	var modes []string
	for _, e := range p.Encryption {
		modes = append(modes, e.Mode)
	}
	return known("encryption", o.SSE.Mode, append([]string{}, modes...))
}

// CheckTraffic tells whether the store can keep a request to a rate, in bits a second.
func (p *Profile) CheckTraffic(bits int64) error {
	switch t := p.Traffic; {
	case t.Header == "":
		return p.limit(ErrUnsupported, "a traffic limit", "requests without")
	case bits < t.Min || bits > t.Max:
		return p.limit(ErrInvalid, fmt.Sprintf("a traffic limit of %d bit/s", bits), fmt.Sprintf("%d to %d bit/s", t.Min, t.Max))
	}
	return nil
}

// EncryptionOf returns how the store is asked for a mode of encryption. A mode of
// the S3 protocol that the profile does not list is asked for as the protocol does.
func (p *Profile) EncryptionOf(mode string) Encryption {
	for _, e := range p.Encryption {
		if e.Mode == mode {
			return e
		}
	}
	return Encryption{Mode: mode}
}

// offered lists what there is, in words.
func offered(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// The bytes of a Complete: around the parts, and of each part beside its ETag and
// number. An ETag that is an MD5 has 32, and a number up to 5.
const (
	completeFrame = len(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></CompleteMultipartUpload>`)
	completePart  = len(`<Part><ETag></ETag><PartNumber></PartNumber></Part>`)
	completeMD5   = completePart + 32 + 5
)

// CheckParts tells whether the store takes the list of parts in one Complete: nil or a
// *Limit of the kind ErrTooLarge.
func (p *Profile) CheckParts(parts []Part) error {
	if p.MaxCompleteBytes == 0 {
		return nil
	}
	n := int64(completeFrame)
	for i := range parts {
		n += int64(completePart + len(parts[i].ETag) + len(strconv.Itoa(int(parts[i].Number))))
	}
	if n > p.MaxCompleteBytes {
		return p.limit(ErrTooLarge, fmt.Sprintf("a list of %d parts of %d bytes", len(parts), n), fmt.Sprintf("%d bytes", p.MaxCompleteBytes))
	}
	return nil
}

// PartNumbers is how many parts an upload may have: as many as the store numbers
// and as it takes in one Complete.
func (p *Profile) PartNumbers() int32 {
	if p.MaxCompleteBytes == 0 {
		return p.Part.MaxCount
	}
	fit := (p.MaxCompleteBytes - int64(completeFrame)) / int64(completeMD5)
	return int32(max(1, min(int64(p.Part.MaxCount), fit)))
}
