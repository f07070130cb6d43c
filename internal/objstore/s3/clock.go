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

// heard takes the time that an answer tells.
func (c *clock) heard(h http.Header) {
	if t, ok := toldAt(h); ok {
		c.ahead.Store(int64(time.Until(t)))
	}
}

// toldAt is when the store answered, by its own clock. Something between us and the
// store that keeps answers (Age) does not know.
func toldAt(h http.Header) (t time.Time, ok bool) {
	if h.Get("Age") != "" {
		return time.Time{}, false
	}
	t, err := http.ParseTime(h.Get("Date"))
	return t, err == nil
}
