package objstore_test

import (
	"errors"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  objstore.Error
		want string
	}{
		{objstore.Error{Op: "Head", Key: "k", Kind: objstore.ErrNotFound, Status: 404}, `Head "k": no such object (404)`},
		{objstore.Error{Op: "Put", Kind: objstore.ErrThrottled, Status: 503, Code: "SlowDown"}, "Put: throttled (503 SlowDown)"},
		{objstore.Error{Op: "Put", Kind: objstore.ErrInvalid, Status: 400, Code: "Bad", Message: "really", Err: cause, RequestID: "r"}, "Put: request refused as invalid (400 Bad: really) [request r]"},
		{objstore.Error{Op: "Put", Kind: objstore.ErrUnavailable, Err: cause}, "Put: store unavailable: cause"},
		{objstore.Error{Op: "List", Kind: objstore.ErrInternal, Status: 200, Err: cause}, "List: answer not understood (200): cause"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if !errors.Is(&c.err, c.err.Kind) || c.err.Err != nil && !errors.Is(&c.err, cause) {
			t.Errorf("%q does not match its kind or cause", c.want)
		}
	}
}

func TestRetryable(t *testing.T) {
	for kind, want := range map[error]bool{
		objstore.ErrThrottled: true, objstore.ErrUnavailable: true, objstore.ErrBadDigest: true, objstore.ErrExpired: true,
		objstore.ErrNotFound: false, objstore.ErrAccessDenied: false, objstore.ErrPrecondition: false, objstore.ErrInternal: false,
	} {
		if got := objstore.Retryable(&objstore.Error{Kind: kind}); got != want {
			t.Errorf("%v: %v", kind, got)
		}
	}
}
