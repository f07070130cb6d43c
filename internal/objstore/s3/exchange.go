package s3

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// pool names the connections that a request takes.
type pool int

const (
	metadataPool pool = iota
	sendPool          // bodies that are sent
	readPool          // bodies that are read
)

// exchange is one request and its answer, beside the SDK: what the transport
// must know of the request, and what became of it. It is made for one call and
// read when that has returned.
type exchange struct {
	pool     pool
	body     *outBody // nil where the SDK's own body, if any, is sent
	sanitise bool     // the answer may quote bytes that are no XML
	stream   bool     // the answer's body is the caller's
	lists    bool     // the answer is a page of keys

	signer *chain          // who gave the credentials; nil where they are given for good
	signed aws.Credentials // with which the request was signed

	tried   bool  // the transport was asked
	reached bool  // a connection was had: the store may have seen the request
	broken  error // by which the answer's body broke off
	status  int
	header  http.Header
	length  int64    // of the answer's body, -1 where it is not known; of a HEAD, what a GET would have
	listing *listing // nil where the SDK has to read the page
}

type exchangeKey struct{}

// in returns the context by which the transport finds the exchange.
func (x *exchange) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// traced returns the request with a context by which net/http tells of the connection.
func (x *exchange) traced(req *http.Request) *http.Request {
	return req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { x.reached = true },
	}))
}

func exchangeIn(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// requestID is the name under which the vendor knows the request.
func (x *exchange) requestID() string {
	for _, name := range []string{"X-Amz-Request-Id", "X-Oss-Request-Id", "X-Cos-Request-Id", "X-Bce-Request-Id"} {
		if id := x.header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// retryAfter is the store's wish, as seconds or as a date.
func (x *exchange) retryAfter(now time.Time) time.Duration {
	value := x.header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if n, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, n)) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
