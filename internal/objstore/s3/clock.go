package s3

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is the store's: requests that are signed for a time more than a quarter of
// an hour away are refused, and machines exist whose clock is that wrong. Every
// answer tells the time to the second, which is more than is needed. The SDK keeps
// a clock of its own.
type clock struct {
	ahead atomic.Int64 // of ours, in nanoseconds
}

// now is the time that requests are signed for.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// heard takes the time that an answer tells, unless something between us and the
// store kept that answer (Age).
func (c *clock) heard(h http.Header) {
	if h.Get("Age") != "" {
		return
	}
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		c.ahead.Store(int64(time.Until(t)))
	}
}
