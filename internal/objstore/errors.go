package objstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The kinds of failure that callers tell apart, matched with errors.Is.
var (
	ErrNotFound     = errors.New("no such object")
	ErrNoSuchUpload = errors.New("no such upload")
	ErrNoSuchBucket = errors.New("no such bucket")
	ErrAccessDenied = errors.New("access denied")
	ErrPrecondition = errors.New("precondition failed")      // 412, or the object exists: a guard did not hold
	ErrConflict     = errors.New("conflicting request")      // 409: another writer was at it at the same moment
	ErrRange        = errors.New("range outside the object") // 416
	ErrTooLarge     = errors.New("larger than the store allows")
	ErrKeyTooLong   = errors.New("key too long")
	ErrInvalid      = errors.New("request refused as invalid") // 400 that cannot heal
	ErrInvalidPart  = errors.New("part missing or changed")
	ErrBadDigest    = errors.New("digest mismatch") // the store, or we, saw other bytes than were sent
	ErrUnsupported  = errors.New("not supported by the store")
	ErrNoSpace      = errors.New("store is full or over quota") // 507, QuotaExceeded
	ErrArchived     = errors.New("object is archived")          // must be restored before it can be read
	ErrThrottled    = errors.New("throttled")                   // 503 SlowDown, 429: heals
	ErrUnavailable  = errors.New("store unavailable")           // 5xx, broken connection, time-out: heals
	ErrExpired      = errors.New("credentials expired")         // heals once they are refreshed
	ErrInternal     = errors.New("answer not understood")
)

// ErrBroken is the cause under ErrUnavailable where a connection that was open
// broke before the answer came. The first one of a request is often no more than
// an idle connection that the store had closed meanwhile.
var ErrBroken = errors.New("connection broken")

// Error is a failed request: what was asked, of what, and what the store said.
type Error struct {
	Op         string        // "UploadPart"
	Key        string        // "" for requests on the bucket
	Kind       error         // one of the Err… above
	Status     int           // HTTP status, 0 where no answer came
	Code       string        // the store's own code, "SlowDown"
	Message    string        // the store's own words
	RequestID  string        // to ask the vendor about
	RetryAfter time.Duration // the store's wish, 0 if it had none
	Sent       bool          // the request may have taken effect although it failed
	Err        error         // the cause underneath, may be nil
}

// Error says verb, object and reason in one line.
func (e *Error) Error() string {
	s := e.Op
	if e.Key != "" {
		s += fmt.Sprintf(" %q", e.Key)
	}
	s += ": " + e.Kind.Error()
	switch {
	case e.Code != "" && e.Message != "":
		s += fmt.Sprintf(" (%d %s: %s)", e.Status, e.Code, e.Message)
	case e.Code != "" || e.Status != 0:
		s += strings.TrimRight(fmt.Sprintf(" (%d %s", e.Status, e.Code), " ") + ")"
	}
	if e.Err != nil && e.Message == "" {
		s += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		s += " [request " + e.RequestID + "]"
	}
	return s
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Retryable reports that the same request may well succeed later.
func Retryable(err error) bool {
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnavailable) ||
		errors.Is(err, ErrBadDigest) || errors.Is(err, ErrExpired)
}
