package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// failure makes the error of a request of what the SDK returned and of what its
// exchange noted. Only the store's own words and the cause of a broken
// connection get into it: nothing that was signed or encrypted with.
func failure(ctx context.Context, x *exchange, op, key string, err error) error {
	e := &objstore.Error{Op: op, Key: key, RequestID: x.requestID(), RetryAfter: x.retryAfter(time.Now())}
	var api smithy.APIError
	var creds *noCredentials
	switch {
	case x.body != nil && x.body.readError() != nil:
		e.Kind, e.Err, e.Sent = objstore.ErrInvalid, x.body.readError(), x.reached
	case x.status >= 300 || x.status != 0 && errors.As(err, &api):
		answered(ctx, e, x, err)
	case ctx.Err() != nil:
		e.Kind, e.Sent = ctx.Err(), x.reached
	case x.broken != nil:
		e.Kind, e.Status, e.Sent = objstore.ErrUnavailable, x.status, true
		e.Err = fmt.Errorf("%w: %w", objstore.ErrBroken, x.broken)
	case x.status != 0:
		e.Kind, e.Status, e.Sent, e.Err = objstore.ErrInternal, x.status, true, err
	case errors.As(err, &creds):
		e.Kind, e.Err = creds.kind(), creds
	case !x.tried:
		e.Kind, e.Err = objstore.ErrInvalid, err
	default:
		unanswered(e, x, err)
	}
	adjust(e)
	return e
}

// answered is the error that the store itself gave. One in a body of status 200
// stands for a 500.
func answered(ctx context.Context, e *objstore.Error, x *exchange, err error) {
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
	}
	e.Status = x.status
	status := x.status
	if status < 300 {
		status = 500
	}
	e.Kind, e.Sent = objstore.Classify(status, e.Code)
	if so, vague := aboutCredentials(e); so && x.signer != nil && x.signer.renew(ctx, x.signed, vague) {
		e.Kind = objstore.ErrExpired
	}
	if region := x.header.Get("X-Amz-Bucket-Region"); status < 400 && region != "" {
		e.Message = "the bucket is in region " + region
	}
}

// unanswered is the error of a request to which no answer came.
func unanswered(e *objstore.Error, x *exchange, err error) {
	e.Kind, e.Err = objstore.ErrUnavailable, err
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate), errors.As(err, &plain):
		e.Kind = objstore.ErrInvalid // and stays so, however often it is tried
	case x.reached:
		e.Sent = true
		e.Err = fmt.Errorf("%w: %w", objstore.ErrBroken, err)
	}
}

// adjust gives the kinds that depend on the operation. The answer to a HEAD has
// no body, so its status is all there is.
func adjust(e *objstore.Error) {
	switch e.Op {
	case objstore.OpHeadBucket, opCreateBucket:
		if errors.Is(e.Kind, objstore.ErrNotFound) {
			e.Kind = objstore.ErrNoSuchBucket
		}
	case objstore.OpUploadPart, objstore.OpListParts, objstore.OpAbort: // there is nothing else to be missed
		if errors.Is(e.Kind, objstore.ErrNotFound) {
			e.Kind = objstore.ErrNoSuchUpload
		}
	case objstore.OpComplete: // the object of a condition, perhaps
		if errors.Is(e.Kind, objstore.ErrNotFound) && e.Code != "NoSuchKey" {
			e.Kind = objstore.ErrNoSuchUpload
		}
	}
}

// guarded gives the error of a request with a condition. Stores answer 404 where
// an object with a certain ETag was asked for and there is none at all.
func guarded(err error, c objstore.Condition) error {
	var e *objstore.Error
	if c.ETag != "" && errors.As(err, &e) && errors.Is(e.Kind, objstore.ErrNotFound) {
		e.Kind = objstore.ErrPrecondition
	}
	return err
}

// refused is the error of a request that is not sent at all.
func refused(op, key string, kind error, message string) error {
	return &objstore.Error{Op: op, Key: key, Kind: kind, Code: "NotSent", Message: message}
}
