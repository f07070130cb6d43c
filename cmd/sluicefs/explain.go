package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// configureOp is the Op of errors in what the store was to be reached with: the
// AWS config files, --ca-file.
const configureOp = "Configure"

// explain turns what went wrong with the first request into one line that says
// what to do. limit is how long the store was given.
func (o *mountOptions) explain(err error, limit time.Duration) error {
	if e, ok := errors.AsType[*objstore.Error](err); ok && e.Op == configureOp {
		if e.Err != nil {
			return e.Err
		}
		return errors.New(e.Message)
	}
	if line := o.explainNetwork(err, limit); line != nil {
		return line
	}
	if line := o.explainRefusal(err); line != nil {
		return line
	}
	return fmt.Errorf("cannot use %s at %s: %w", o.where, o.store.place(), err)
}

// place names the store's address for messages.
func (o *storeOptions) place() string {
	if o.endpoint == "" {
		return "AWS"
	}
	return o.endpoint
}

// explainNetwork is for requests that got no answer of a store.
func (o *mountOptions) explainNetwork(err error, limit time.Duration) error {
	at := o.store.place()
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("cannot find %s: the host name does not resolve; check --endpoint", at)
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](cert); unknown {
			return fmt.Errorf("the certificate of %s is of an unknown authority: give its certificate with --ca-file", at)
		}
		return fmt.Errorf("the certificate of %s is not valid: %w", at, cert.Err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%s does not speak TLS: write http:// in --endpoint", at)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%s does not speak TLS: write http:// in --endpoint", at)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && !op.Timeout() {
		return fmt.Errorf("cannot connect to %s: %w; check --endpoint, and that the store runs", at, op.Err)
	}
	if network, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && network.Timeout() {
		return fmt.Errorf("no answer from %s within %s: check --endpoint and the network", at, limit)
	}
	return nil
}

// explainRefusal is for what a store answered.
func (o *mountOptions) explainRefusal(err error) error {
	e, _ := errors.AsType[*objstore.Error](err)
	if e == nil {
		e = &objstore.Error{}
	}
	at := o.store.place()
	switch e.Code {
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the latter is versitygw's
		return fmt.Errorf("%s does not know the access key: check the credentials (AWS_ACCESS_KEY_ID, --profile)", at)
	case "SignatureDoesNotMatch":
		return fmt.Errorf("%s refuses the signature: the secret key is wrong (AWS_SECRET_ACCESS_KEY, --profile)", at)
	case "RequestTimeTooSkewed":
		return fmt.Errorf("%s refuses the request: the clock of this machine is wrong", at)
	case "InvalidToken", "ExpiredToken":
		return fmt.Errorf("%s refuses the session token: get new credentials", at)
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException":
		return o.explainRegion(e)
	}
	switch {
	case e.Status == http.StatusMovedPermanently || e.Status == http.StatusTemporaryRedirect:
		return o.explainRegion(e)
	case errors.Is(err, objstore.ErrNoSuchBucket), errors.Is(err, objstore.ErrNotFound):
		return fmt.Errorf("there is no bucket %q at %s: check the name, or make it first", o.where.bucket, at)
	case errors.Is(err, objstore.ErrExpired):
		return fmt.Errorf("%s says that the credentials have expired: get new ones", at)
	case errors.Is(err, objstore.ErrAccessDenied) && e.Status == 0:
		return errors.New("no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a --profile, or use --anonymous")
	case errors.Is(err, objstore.ErrAccessDenied):
		return fmt.Errorf("%s denies access to bucket %q: check the credentials and that they may list it", at, o.where.bucket)
	case errors.Is(err, objstore.ErrThrottled), errors.Is(err, objstore.ErrUnavailable) && e.Status != 0:
		return fmt.Errorf("%s is in trouble (%d %s): try again later", at, e.Status, e.Code)
	}
	return nil
}

func (o *mountOptions) explainRegion(e *objstore.Error) error {
	hint := ""
	if e.Message != "" {
		hint = " (" + e.Message + ")"
	}
	return fmt.Errorf("bucket %q is in another region: give it with --region%s", o.where.bucket, hint)
}
