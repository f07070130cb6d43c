package s3

import (
	"context"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// direct sends requests about objects without the SDK's stack.
//
// A walk of a tree asks for one object after the other, and the SDK finds out anew
// for each where the bucket is, how its requests are signed and what might have to
// be done about them: some forty steps, which took half of the CPU of a walk. All
// that is the same for every object. So the SDK is asked once, and what a request
// has of its own is put together and signed here. It goes over the transport that all
// requests go over. What comes back is an error as the SDK makes it, for failure to
// judge.
//
// On the wire the requests are those of the SDK but for what it tells of itself:
// TestDirectIsWhatTheSDKSends. Buckets that need another signature than the usual
// one, as directory buckets do, have no direct: theirs goes through the SDK.
type direct struct {
	bucket    url.URL     // without a slash at the end, but for the root
	always    http.Header // not to be changed
	xid       bool        // requests name themselves in their query
	transport *transport

	who    aws.CredentialsProvider // nil where requests are not signed
	signer *signer
}

const (
	usualSignature = "sigv4" // as the rules for endpoints call it
	signedService  = "s3"    // in the signature
)

// newDirect returns nil where requests have to go through the SDK.
func newDirect(ctx context.Context, cfg Config, opts *awss3.Options, tr *transport) *direct {
	where, err := awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, awss3.EndpointParameters{
		Bucket:         &cfg.Bucket,
		Region:         &opts.Region,
		Endpoint:       opts.BaseEndpoint,
		ForcePathStyle: &opts.UsePathStyle,
		Accelerate:     &opts.UseAccelerate,
		UseDualStack:   &cfg.DualStack,
	})
	if err != nil {
		return nil // the SDK says what is wrong when it is asked for something
	}
	d := &direct{bucket: where.URI, always: where.Headers, xid: cfg.Profile.XID, transport: tr}
	region, ok := signedFor(&where.Properties)
	if !ok {
		return nil
	}
	if region == "" {
		region = opts.Region
	}
	if !cfg.Credentials.Anonymous {
		d.who = opts.Credentials
		d.signer = newSigner(region, &d.bucket)
	}
	if d.always == nil {
		d.always = http.Header{}
	}
	d.always.Set("User-Agent", "sluicefs")
	if cfg.RequesterPays {
		d.always.Set("X-Amz-Request-Payer", "requester")
	}
	if cfg.Profile.SignAcceptEnc {
		d.always.Set("Accept-Encoding", "identity")
	}
	return d
}

// signedFor returns the region for which an endpoint wants requests to be signed, if
// it names one, and whether direct can sign them.
func signedFor(endpoint *smithy.Properties) (region string, ok bool) {
	signatures, _ := smithyauth.GetAuthOptions(endpoint)
	for _, s := range signatures {
		name, _ := smithyhttp.GetSigV4SigningName(&s.SignerProperties)
		if s.SchemeID != usualSignature || name != signedService {
			return "", false
		}
		if r, named := smithyhttp.GetSigV4SigningRegion(&s.SignerProperties); named {
			region = r
		}
	}
	return region, true
}

// order is a request of which direct adds what all of them have.
type order struct {
	method, key string
	query       string // in the order of names, as a signature has it
	header      http.Header
	hash        string // of the body, as the signature has it
}

// emptyHash is the SHA-256 of no bytes.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// unsignedBody stands in the place of a hash: what protects the body is its digest.
const unsignedBody = "UNSIGNED-PAYLOAD"

// send sends a request. Nothing is of interest of an answer that it worked but its
// headers, which are in the exchange; any other is an error.
func (d *direct) send(ctx context.Context, x *exchange, o order) error {
	body, err := d.open(ctx, x, o)
	if err != nil {
		return err
	}
	return body.Close()
}

// open sends a request, with the body of the exchange if that has one, and returns
// the body of an answer that it worked.
func (d *direct) open(ctx context.Context, x *exchange, o order) (io.ReadCloser, error) {
	ctx = x.in(ctx)
	maps.Copy(o.header, d.always)
	o.header["X-Amz-Content-Sha256"] = []string{o.hash}
	req := (&http.Request{Method: o.method, URL: d.object(o.key, o.query), Header: o.header}).WithContext(ctx)
	if x.body != nil {
		req.Body, req.ContentLength = x.body, x.body.size
	}
	if err := d.sign(ctx, req, o.hash); err != nil {
		return nil, err
	}
	resp, err := d.transport.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// object is the URL of an object. Keys may have segments that URLs know as "." or
// nothing at all: they are sent as they are.
func (d *direct) object(key, query string) *url.URL {
	u := d.bucket
	path, raw := strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.EscapedPath(), "/")
	u.Path, u.RawPath, u.RawQuery = path+"/"+key, raw+"/"+escapeKey(key), query
	return &u
}

func (d *direct) sign(ctx context.Context, req *http.Request, hash string) error {
	if d.who == nil {
		return nil
	}
	creds, err := d.who.Retrieve(ctx)
	if err != nil {
		return err
	}
	d.signer.sign(req, hash, creds, d.transport.clock.now())
	return nil
}

// maxRefusal bounds what is read of an answer that the request did not work.
const maxRefusal = 64 << 10 // 64 KiB

// refusal is the error that an answer tells, or that its status stands for where it
// tells none, as that of a HEAD cannot.
func refusal(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return err
	}
	var told struct{ Code, Message string }
	if err := xml.Unmarshal(body, &told); err != nil || told.Code == "" {
		status := http.StatusText(resp.StatusCode)
		told.Code, told.Message = strings.ReplaceAll(status, " ", ""), status
	}
	return &smithy.GenericAPIError{Code: told.Code, Message: told.Message}
}
