package mem

import (
	"context"
	"errors"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Count is what was asked of one operation so far.
type Count struct {
	Calls    int64
	Failed   int64 // of Calls, those that returned an error
	BytesIn  int64 // bodies received, also of calls that failed
	BytesOut int64 // bodies read by the caller
	Peak     int64 // most calls at once
	running  int64
}

// call is one request under way: it counts itself and makes its errors.
type call struct {
	s   *Store
	op  string
	key string
}

func (s *Store) begin(op, key string) call {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.countLocked(op)
	n.Calls++
	n.running++
	n.Peak = max(n.Peak, n.running)
	return call{s, op, key}
}

func (s *Store) countLocked(op string) *Count {
	n := s.counters[op]
	if n == nil {
		n = &Count{}
		s.counters[op] = n
	}
	return n
}

func (c call) end(err error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	n := c.s.countLocked(c.op)
	n.running = max(0, n.running-1) // ResetCounts may have come between
	if err != nil {
		n.Failed++
	}
}

func (c call) in(bytes int64) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.countLocked(c.op).BytesIn += bytes
}

func (c call) out(bytes int64) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.countLocked(c.op).BytesOut += bytes
}

// alive returns the error of a context that has ended.
func (c call) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &objstore.Error{Op: c.op, Key: c.key, Kind: err}
	}
	return nil
}

func (c call) fail(kind error, status int, code, message string) error {
	return &objstore.Error{Op: c.op, Key: c.key, Kind: kind, Status: status, Code: code, Message: message}
}

func (c call) notFound() error {
	return c.fail(objstore.ErrNotFound, 404, "NoSuchKey", "The specified key does not exist.")
}

func (c call) noUpload() error {
	return c.fail(objstore.ErrNoSuchUpload, 404, "NoSuchUpload", "The specified multipart upload does not exist.")
}

func (c call) precondition() error {
	return c.fail(objstore.ErrPrecondition, 412, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
}

func (c call) unsupported(what string) error {
	return c.fail(objstore.ErrUnsupported, 501, "NotImplemented", what)
}

// checkName refuses a key that the store would not take.
func (c call) checkName() error {
	switch err := c.s.profile.CheckKey(c.key); {
	case err == nil:
		return nil
	case errors.Is(err, objstore.ErrKeyTooLong):
		return c.fail(objstore.ErrKeyTooLong, 400, "KeyTooLongError", "Your key is too long.")
	default:
		return c.fail(objstore.ErrInvalid, 400, "InvalidURI", err.Error())
	}
}

// checkProperties refuses properties that the store would not take.
func (c call) checkProperties(o *objstore.ObjectOptions) error {
	if err := c.s.profile.CheckOptions(o); err != nil {
		return c.fail(objstore.ErrInvalid, 400, "MetadataTooLarge", "Your metadata headers or tags exceed the maximum allowed.")
	}
	if o.SSE.Mode == sseCustomer && len(o.SSE.CustomerKey) != 32 {
		return c.fail(objstore.ErrInvalid, 400, "InvalidArgument", "The secret key was invalid for the specified algorithm.")
	}
	return nil
}

// checkPlaceLocked refuses an object beside others that keep it from having its
// place, and under a guard that does not hold.
func (c call) checkPlaceLocked(cond objstore.Condition) error {
	if err := c.checkNestingLocked(); err != nil {
		return err
	}
	o := c.s.objects[c.key]
	if cond.Absent && o != nil || cond.ETag != "" && (o == nil || o.etag != cond.ETag) {
		return c.precondition()
	}
	return nil
}
