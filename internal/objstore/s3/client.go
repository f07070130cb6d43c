package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Client is one bucket of a store. All methods may be called from any number of
// goroutines.
type Client struct {
	api       *awss3.Client
	direct    *direct // nil where all requests go through the SDK
	transport *transport
	profile   objstore.Profile
	bucket    string
	region    string

	customerKey CustomerKey
	traffic     []string // headers of requests that move bytes, by name and value in turn
}

var _ objstore.Store = (*Client)(nil)

// defaultRegion is what signatures carry where nothing else is known. Stores
// that have no regions take any.
const defaultRegion = "us-east-1"

// New returns a client. It reads the SDK's configuration files where the
// credentials ask for that, and sends nothing: HeadBucket tells whether the
// bucket can be reached.
func New(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Bucket == "" {
		return nil, invalid("no bucket is named", nil)
	}
	endpoint, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	if endpoint != nil && endpoint.Scheme != "https" && cfg.Profile.HTTPSOnly {
		return nil, invalid("a store of kind "+cfg.Profile.Name+" takes only https", nil)
	}
	tr, err := newTransport(cfg)
	if err != nil {
		return nil, err
	}
	provider, region, err := identity(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if n := len(cfg.CustomerKey); n != 0 && n != customerKeySize {
		return nil, invalid("a customer's key has 32 bytes", nil)
	}
	opts := awss3.Options{
		Region:                       region,
		Credentials:                  provider,
		UsePathStyle:                 cfg.style() == objstore.PathStyle,
		HTTPClient:                   tr,
		Retryer:                      aws.NopRetryer{},
		RequestChecksumCalculation:   aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation:   aws.ResponseChecksumValidationWhenRequired,
		ContinueHeaderThresholdBytes: cfg.expectFrom(),
		DisableLogOutputChecksumValidationSkipped: true,
		UseAccelerate: cfg.Accelerate,
		AppID:         "sluicefs",
		APIOptions:    wireOptions(cfg),
	}
	if cfg.DualStack {
		opts.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	if endpoint != nil {
		opts.BaseEndpoint = aws.String(endpoint.String())
	}
	return &Client{
		api:       awss3.New(opts),
		direct:    newDirect(ctx, cfg, &opts, tr),
		transport: tr,
		profile:   cfg.Profile,
		bucket:    cfg.Bucket,
		region:    region,

		customerKey: cfg.CustomerKey,
		traffic:     trafficLimit(cfg),
	}, nil
}

// Close closes the connections that nobody uses. The client must not be used afterwards.
func (c *Client) Close() { c.transport.close() }

// Profile implements objstore.Store.
func (c *Client) Profile() *objstore.Profile { return &c.profile }

func (c *Config) style() objstore.Style {
	if c.Style != "" {
		return c.Style
	}
	return c.Profile.Style
}

// identity finds who asks, and the region.
func identity(ctx context.Context, cfg Config) (aws.CredentialsProvider, string, error) {
	creds := cfg.Credentials
	switch {
	case creds.Anonymous:
		return aws.AnonymousCredentials{}, cfg.regionOr(""), nil
	case creds.static():
		p := credentials.NewStaticCredentialsProvider(creds.AccessKey, creds.SecretKey, creds.Token)
		return p, cfg.regionOr(""), nil
	}
	// The SDK would write to the terminal what it meets in the places where credentials may
	// be. If there are none, that is an error, and ours to tell.
	opts := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if creds.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(creds.Profile))
	}
	if cfg.Region != "" {
		opts = append(opts, config.WithRegion(cfg.Region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, "", invalid("", err)
	}
	again := func(ctx context.Context) (aws.CredentialsProvider, error) {
		loaded, err := config.LoadDefaultConfig(ctx, opts...)
		return loaded.Credentials, err
	}
	return &chain{under: loaded.Credentials, load: again}, cfg.regionOr(loaded.Region), nil
}

// expectFrom is the size from which bodies wait for "100 Continue". It costs a round
// trip for each part, and a second where a store is silent: so none do unless the
// profile asks for it.
func (c *Config) expectFrom() int64 {
	if c.Profile.Expect {
		return 2 << 20 // 2 MiB, as the SDK has it
	}
	return -1
}

// regionOr finds the region. What the endpoint's name says is truer than what an
// environment made for another store says.
func (c *Config) regionOr(environment string) string {
	host := ""
	if u, err := c.endpoint(); err == nil && u != nil {
		host = c.Profile.RegionOf(u.Hostname())
	}
	for _, r := range []string{c.Region, host, environment, c.Profile.Region} {
		if r != "" {
			return r
		}
	}
	return defaultRegion
}

// Region is the one that requests are signed for.
func (c *Client) Region() string { return c.region }
