package memhttp

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// fail is an error of the server itself.
func fail(status int, code, message string) error {
	kind, _ := objstore.Classify(status, code)
	return &objstore.Error{Kind: kind, Status: status, Code: code, Message: message}
}

func notImplemented() error {
	return fail(501, "NotImplemented", "A header or query you provided implies functionality that is not implemented.")
}

func isPrecondition(err error) bool {
	return errors.Is(err, objstore.ErrPrecondition)
}

// answerError sends an error, or breaks the connection for one that no server
// would have told.
func (q *request) answerError(err error) {
	var e *objstore.Error
	if !errors.As(err, &e) {
		panic(http.ErrAbortHandler)
	}
	status, code := e.Status, e.Code
	if status == 0 {
		status, code = answerOf(e.Kind)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	if e.RetryAfter > 0 {
		q.w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter.Seconds())))
	}
	q.w.Header().Del("Etag")
	if q.r.Method == http.MethodHead {
		q.w.WriteHeader(status)
		return
	}
	q.answerXML(status, errorResult{Code: code, Message: e.Message, Resource: q.r.URL.Path, RequestID: q.w.Header().Get("X-Amz-Request-Id")})
}

// answerOf is what S3 answers for a kind that came without a status: none for
// those of a broken connection.
func answerOf(kind error) (status int, code string) {
	switch kind {
	case objstore.ErrNotFound:
		return 404, "NoSuchKey"
	case objstore.ErrNoSuchUpload:
		return 404, "NoSuchUpload"
	case objstore.ErrNoSuchBucket:
		return 404, "NoSuchBucket"
	case objstore.ErrAccessDenied:
		return 403, "AccessDenied"
	case objstore.ErrPrecondition:
		return 412, "PreconditionFailed"
	case objstore.ErrConflict:
		return 409, "ConditionalRequestConflict"
	case objstore.ErrRange:
		return 416, "InvalidRange"
	case objstore.ErrTooLarge:
		return 400, "EntityTooLarge"
	case objstore.ErrKeyTooLong:
		return 400, "KeyTooLongError"
	case objstore.ErrInvalid:
		return 400, "InvalidRequest"
	case objstore.ErrInvalidPart:
		return 400, "InvalidPart"
	case objstore.ErrBadDigest:
		return 400, "BadDigest"
	case objstore.ErrUnsupported:
		return 501, "NotImplemented"
	case objstore.ErrNoSpace:
		return 507, "InsufficientStorage"
	case objstore.ErrArchived:
		return 403, "InvalidObjectState"
	case objstore.ErrThrottled:
		return 503, "SlowDown"
	case objstore.ErrExpired:
		return 400, "ExpiredToken"
	}
	return 0, ""
}
