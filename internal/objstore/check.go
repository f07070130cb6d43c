package objstore

import "strings"

// MaxTags is the most tags that an object may have: the limit of S3.
const MaxTags = 10

// CheckKey tells before anything is sent whether the store would take the key:
// nil, ErrKeyTooLong or ErrInvalid.
func (p *Profile) CheckKey(key string) error {
	switch {
	case key == "":
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

// CheckOptions tells whether the properties of an object are within the
// store's limits: nil or ErrInvalid.
func (p *Profile) CheckOptions(o *ObjectOptions) error {
	n := 0
	for name, value := range o.Metadata {
		n += len(name) + len(value)
	}
	if p.MetaBytes > 0 && n > p.MetaBytes || len(o.Tags) > MaxTags {
		return ErrInvalid
	}
	return nil
}
