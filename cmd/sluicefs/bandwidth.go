package main

import (
	"errors"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// bandwidth is a flag's pair of rates, in bytes a second; 0 is no limit.
type bandwidth struct {
	up, down byteSize
	text     string // as typed
}

// Set reads RATE, for each direction, or UP:DOWN.
func (b *bandwidth) Set(text string) error {
	up, down, both := strings.Cut(text, ":")
	if !both {
		down = up
	}
	var got bandwidth
	if got.up.Set(strings.TrimSuffix(up, "/s")) != nil || got.down.Set(strings.TrimSuffix(down, "/s")) != nil {
		return errors.New("want bytes a second such as 10MiB, or UP:DOWN such as 10MiB:0")
	}
	for _, rate := range []byteSize{got.up, got.down} {
		if rate != 0 && rate < leastBandwidth {
			return errors.New("want 16KiB a second or more: nothing would get through in time")
		}
	}
	got.text = text
	*b = got
	return nil
}

// leastBandwidth is what a mount needs to get anything done before its requests
// run out of time.
const leastBandwidth = 16 << 10

// String returns what was typed.
func (b *bandwidth) String() string { return b.text }

// Type names the value in the help.
func (b *bandwidth) Type() string { return "rate" }

func (b *bandwidth) limit() s3.Bandwidth {
	return s3.Bandwidth{Up: int64(b.up), Down: int64(b.down)}
}

// patience gives each attempt at a request the time that its share of the line
// asks for, where there is a limit: half of what it had if as many as there may be
// were under way.
func (b *bandwidth) patience(c retry.Config) retry.Config {
	const sharing = 2 * retry.DefaultParallel
	slow := b.up
	if slow == 0 || b.down != 0 && b.down < slow {
		slow = b.down
	}
	if slow == 0 {
		return c
	}
	c.Rate = max(1, min(retry.DefaultRate, int64(slow)/sharing))
	c.Attempt = retry.DefaultAttempt + time.Duration(listingBytes/float64(c.Rate)*float64(time.Second))
	c.Silence = c.Attempt // who waits for its share is silent, too
	return c
}

// listingBytes is what a page of a listing has at the most, about.
const listingBytes = 512 << 10
