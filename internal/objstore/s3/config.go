package s3

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// DefaultConns is how many connections for bodies that are sent a client keeps
// where the caller does not say: the 64 of package retry and some to spare.
const DefaultConns = 80

// Config says which bucket to talk to, and how.
type Config struct {
	Endpoint string // URL of the store, "https://" may be left out; "" means AWS in Region
	Region   string // "" means the endpoint's, then the environment's, then the profile's, then us-east-1
	Bucket   string
	Profile  objstore.Profile
	Style    objstore.Style // "" means the profile's

	Credentials   Credentials
	RequesterPays bool
	DualStack     bool // AWS by IPv6 or IPv4, whichever the machine has
	Accelerate    bool // AWS by the nearest edge

	CustomerKey CustomerKey // of objects whose encryption has mode "c"; nil where none have
	Bandwidth   Bandwidth   // of all requests together
	// TrafficLimit is a rate in bits per second that the store keeps each request
	// that moves bytes to; 0 means none. See Profile.CheckTraffic.
	TrafficLimit int64

	NoVerifyTLS bool   // take any certificate
	CAFile      string // PEM file of further authorities to trust; "" means only the system's
	MaxConns    int    // connections for bodies that are sent; 0 means DefaultConns

	// Dial opens connections to "host:port" where names mean something else than to
	// the system: in tests. nil is the system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Credentials say who asks. The zero value is the SDK's default chain:
// environment, shared config, SSO, web identity, roles of the machine. They are
// never printed.
type Credentials struct {
	Anonymous bool   // requests are not signed
	Profile   string // of the shared config files
	AccessKey string // with SecretKey; both given means that nothing else is looked at
	SecretKey string
	Token     string // session token, may be empty
}

// String keeps secrets out of logs.
func (c Credentials) String() string {
	switch {
	case c.Anonymous:
		return "anonymous"
	case c.static():
		return "given keys"
	case c.Profile != "":
		return "profile " + c.Profile
	}
	return "default chain"
}

// GoString keeps secrets out of %#v.
func (c Credentials) GoString() string { return c.String() }

func (c Credentials) static() bool { return c.AccessKey != "" || c.SecretKey != "" }

// CustomerKey is the key of an encryption for which the store keeps none. It is
// never printed.
type CustomerKey []byte

// String keeps the key out of logs.
func (k CustomerKey) String() string {
	if k == nil {
		return "no key"
	}
	return "a key"
}

// GoString keeps the key out of %#v.
func (k CustomerKey) GoString() string { return k.String() }

// endpoint returns the endpoint as a URL, nil where none was given.
func (c *Config) endpoint() (*url.URL, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	raw := c.Endpoint
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, invalid("endpoint is not a URL", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, invalid("endpoint must look like https://host:port", nil)
	}
	return u, nil
}

// invalid is the error of a configuration that cannot work.
func invalid(message string, cause error) error {
	e := &objstore.Error{Op: "Configure", Kind: objstore.ErrInvalid, Err: cause}
	if cause == nil {
		e.Code, e.Message = "InvalidConfig", message
	}
	return e
}
