package s3

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// renewPause is how long nobody asks for new credentials after that was in vain, or
// may have been: they may come from a program, or a service with limits of its own.
const renewPause = 10 * time.Second

// chain is the SDK's credential chain. Its failures can be told from those of
// requests, and it can be asked anew when the store refuses what it gave.
type chain struct {
	load func(context.Context) (aws.CredentialsProvider, error) // reads the config files

	mu    sync.Mutex
	under aws.CredentialsProvider
	had   bool // there were credentials once

	renewing sync.Mutex // held by the one who asks; never taken with mu held
	asked    time.Time  // when it was done last
	vain     bool       // it was of no use
}

// Retrieve implements aws.CredentialsProvider. It notes in the exchange that the
// context carries what its request is signed with.
func (c *chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.provider().Retrieve(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return got, &noCredentials{err: err, had: c.had}
	}
	c.had = true
	if x := exchangeIn(ctx); x != nil {
		x.signer, x.signed = c, got
	}
	return got, nil
}

func (c *chain) provider() aws.CredentialsProvider {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.under
}

// renew tells whether there are other credentials than those that the store
// refused, asking for them from the beginning: programs, services and files may
// have new ones although nothing said that the old would end. Of many requests
// that were refused at once, one asks and the others see what came of it. vague
// says that the refusal may be about something else; then credentials that are
// new are left alone, since a service may give others every time.
func (c *chain) renew(ctx context.Context, refused aws.Credentials, vague bool) bool {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	if other(ctx, c.provider(), refused) {
		return true
	}
	if quiet := time.Since(c.asked) < renewPause; quiet && (vague || c.vain) {
		return false
	}
	c.asked = time.Now()
	fresh, err := c.load(ctx)
	c.vain = err != nil || !other(ctx, fresh, refused)
	if c.vain {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under = fresh
	return true
}

// other tells whether a provider has other credentials than some.
func other(ctx context.Context, p aws.CredentialsProvider, than aws.Credentials) bool {
	got, err := p.Retrieve(ctx)
	return err == nil && (got.AccessKeyID != than.AccessKeyID || got.SecretAccessKey != than.SecretAccessKey || got.SessionToken != than.SessionToken)
}

// aboutCredentials tells whether an answer is about who asked, and whether that is
// a guess: the answer to a HEAD does not say what it is about.
func aboutCredentials(e *objstore.Error) (so, vague bool) {
	switch e.Code {
	case "ExpiredToken", "TokenRefreshRequired", "RequestExpired", "InvalidAccessKeyId", "InvalidToken", "InvalidTokenId":
		return true, false
	}
	silent := e.Op == objstore.OpHead || e.Op == objstore.OpHeadBucket
	return silent && (e.Status == 400 || e.Status == 401 || e.Status == 403), true
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
