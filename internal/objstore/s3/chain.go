package s3

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// chain is the SDK's credential chain, whose failures can be told from those of
// requests.
type chain struct {
	under aws.CredentialsProvider
	had   atomic.Bool // there were credentials once
}

// Retrieve implements aws.CredentialsProvider.
func (c *chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.under.Retrieve(ctx)
	if err != nil {
		return got, &noCredentials{err: err, had: c.had.Load()}
	}
	c.had.Store(true)
	return got, nil
}

// noCredentials is a failure to get credentials.
type noCredentials struct {
	err error
	had bool
}

func (e *noCredentials) Error() string { return "no credentials: " + e.err.Error() }
func (e *noCredentials) Unwrap() error { return e.err }

// kind is one that heals if there were credentials before: then they only could
// not be refreshed.
func (e *noCredentials) kind() error {
	if e.had {
		return objstore.ErrExpired
	}
	return objstore.ErrAccessDenied
}
