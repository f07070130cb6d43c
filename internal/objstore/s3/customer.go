package s3

import (
	"errors"
	"net/http"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// modeCustomer is encryption with a key that goes with each request.
const modeCustomer = "c"

// customerKeySize is the one size of such keys: AES-256.
const customerKeySize = 32

// keyed adds the client's key to an encryption that needs one.
func (c *Client) keyed(sse objstore.SSE) objstore.SSE {
	if sse.Mode == modeCustomer && sse.CustomerKey == nil {
		sse.CustomerKey = c.customerKey
	}
	return sse
}

// keyedUpload is keyed of an upload.
func (c *Client) keyedUpload(up objstore.UploadRef) objstore.UploadRef {
	up.SSE = c.keyed(up.SSE)
	return up
}

// unlocking calls fn with the key that an object is read with. A listing does not
// tell which objects have one, and a bucket may hold both kinds: where the client
// has a key it is tried first, and what the store says is not encrypted with it is
// read without.
func (c *Client) unlocking(asked objstore.SSE, fn func(objstore.SSE) error) error {
	unknown := asked.Mode == "" || asked.Mode == modeCustomer && asked.CustomerKey == nil
	if c.customerKey == nil || !unknown {
		return fn(asked)
	}
	err := fn(objstore.SSE{Mode: modeCustomer, CustomerKey: c.customerKey})
	var e *objstore.Error
	if errors.As(err, &e) && e.Status == http.StatusBadRequest && errors.Is(e.Kind, objstore.ErrInvalid) {
		return fn(objstore.SSE{})
	}
	return err
}
