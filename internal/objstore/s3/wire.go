package s3

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

type apiOption = func(*middleware.Stack) error

// wireOptions are the changes to every request that the profile asks for.
func wireOptions(cfg Config) []apiOption {
	var out []apiOption
	if cfg.RequesterPays {
		out = append(out, smithyhttp.SetHeaderValue("X-Amz-Request-Payer", "requester"))
	}
	if !cfg.Profile.SignAcceptEnc {
		out = append(out, dropAcceptEncoding)
	}
	if !cfg.Profile.XID {
		out = append(out, func(s *middleware.Stack) error { return s.Build.Add(dropXID{}, middleware.After) })
	}
	return out
}

// dropAcceptEncoding keeps the SDK from signing a header that some gateways
// rewrite. The transport adds none of its own.
func dropAcceptEncoding(s *middleware.Stack) error {
	const id = "DisableAcceptEncodingGzip"
	if _, ok := s.Finalize.Get(id); !ok {
		return nil
	}
	_, err := s.Finalize.Remove(id)
	return err
}

// dropXID removes the operation's name from the query before it is signed.
type dropXID struct{}

func (dropXID) ID() string { return "sluicefs:DropXID" }

func (dropXID) HandleBuild(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		req.URL.RawQuery = withoutXID(req.URL.RawQuery)
	}
	return next.HandleBuild(ctx, in)
}

func withoutXID(query string) string {
	kept := strings.Split(query, "&")[:0]
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name != "x-id" && pair != "" {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// signBody says how the body of a request gets into its signature.
func (c *Client) signBody(o *awss3.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		const id = "ComputePayloadHash"
		if _, ok := s.Finalize.Get(id); !ok {
			return nil // requests that are not signed
		}
		if c.profile.UnsignedBody {
			// Also over http, where the SDK would otherwise hash it first. What protects
			// it is its digest.
			return v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware(s)
		}
		_, err := s.Finalize.Swap(id, &v4.ComputePayloadSHA256{})
		return err
	})
}

// forbid is the store's own header against overwriting, where that is how it
// keeps an object that is there already.
func (c *Client) forbid(g objstore.Guard, cond objstore.Condition) []string {
	if cond.Absent && (g == objstore.GuardHeader || g == objstore.GuardLookAndHeader) {
		return []string{c.profile.ForbidOverwrite, "true"}
	}
	return nil
}

// md5Deletes sends DeleteObjects with Content-MD5 instead of the SDK's CRC32,
// which most stores but AWS do not take for it.
func md5Deletes(o *awss3.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		s.Initialize.Remove("AWSChecksum:SetupInputContext")
		s.Finalize.Remove("AWSChecksum:ComputeInputPayloadChecksum")
		s.Finalize.Remove("addInputChecksumTrailer")
		return smithyhttp.AddContentChecksumMiddleware(s)
	})
}

// escapeKey makes a key fit for x-amz-copy-source, which the SDK sends as it is.
func escapeKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// decodeKey undoes the encoding of listings, if the store says that it used it.
func decodeKey(key string, encoded bool) string {
	if !encoded {
		return key
	}
	if plain, err := url.QueryUnescape(key); err == nil {
		return plain
	}
	return key // a store that says so and does not
}

func unquote(etag *string) string {
	if etag == nil {
		return ""
	}
	return strings.Trim(*etag, `"`)
}

// quote makes a header value of an ETag; nil where there is none.
func quote(etag string) *string {
	if etag == "" {
		return nil
	}
	quoted := `"` + etag + `"`
	return &quoted
}

// conditions makes the headers of a condition that S3 knows. For others see forbid.
func conditions(g objstore.Guard, c objstore.Condition) (ifMatch, ifNoneMatch *string) {
	if c.Absent && g == objstore.GuardIfNoneMatch {
		star := "*"
		ifNoneMatch = &star
	}
	return quote(c.ETag), ifNoneMatch
}

// trafficLimit is the header that asks the store to keep a request to a rate.
func trafficLimit(cfg Config) []string {
	header := cfg.Profile.Traffic.Header
	if cfg.TrafficLimit <= 0 || header == "" {
		return nil
	}
	return []string{header, strconv.FormatInt(cfg.TrafficLimit, 10)}
}

// headers sets headers of one request, by name and value in turn, which are signed.
func headers(pairs ...string) func(*awss3.Options) {
	return func(o *awss3.Options) {
		for i := 0; i < len(pairs); i += 2 {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(pairs[i], pairs[i+1]))
		}
	}
}
