package objstore_test

import (
	"errors"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		kind   error
		sent   bool
	}{
		{404, "NoSuchUpload", objstore.ErrNoSuchUpload, false},
		{404, "", objstore.ErrNotFound, false},
		{403, "InvalidObjectState", objstore.ErrArchived, false},
		{403, "", objstore.ErrAccessDenied, false},
		{403, "RequestTimeTooSkewed", objstore.ErrExpired, false},
		{409, "FileAlreadyExists", objstore.ErrPrecondition, false},
		{409, "ConditionalRequestConflict", objstore.ErrConflict, false},
		{409, "ObjectParentIsFile", objstore.ErrInvalid, false},
		{412, "", objstore.ErrPrecondition, false},
		{416, "", objstore.ErrRange, false},
		{400, "EntityTooSmall", objstore.ErrInvalid, false},
		{400, "RequestTimeout", objstore.ErrUnavailable, true},
		{400, "BadDigest", objstore.ErrBadDigest, false},
		{301, "PermanentRedirect", objstore.ErrInvalid, false},
		{500, "InternalError", objstore.ErrUnavailable, true},
		{500, "", objstore.ErrUnavailable, true},
		{502, "", objstore.ErrUnavailable, true},
		{503, "SlowDown", objstore.ErrThrottled, false},
		{503, "", objstore.ErrThrottled, false},
		{503, "ServiceUnavailable", objstore.ErrUnavailable, true},
		{429, "", objstore.ErrThrottled, false},
		{507, "", objstore.ErrNoSpace, false},
		{501, "", objstore.ErrUnsupported, false},
		{200, "", objstore.ErrInternal, true},
	} {
		kind, sent := objstore.Classify(c.status, c.code)
		if !errors.Is(kind, c.kind) || sent != c.sent {
			t.Errorf("%d %q: %v, sent %v; want %v, %v", c.status, c.code, kind, sent, c.kind, c.sent)
		}
	}
}
