package retry

import (
	"math/rand/v2"
	"time"
)

// Defaults of Config.
const (
	DefaultAttempt  = 30 * time.Second
	DefaultRate     = 256 << 10 // bytes per second
	DefaultParallel = 64
)

// Config says how long and how often to try. Zero fields get the defaults.
type Config struct {
	// For is how long a call goes on, from its first attempt on. 10 min: longer
	// than a store's failover, shorter than a user's patience. Negative: no
	// attempt follows one that failed.
	For time.Duration
	// Base and Cap bound the pause before the nth repetition, which is random
	// between zero and min(Cap, Base·2ⁿ): 100 ms and 20 s.
	Base, Cap time.Duration

	// Attempt and Rate bound one attempt: Attempt + its body / Rate. 30 s and
	// 256 KiB/s, below which a line is as good as broken.
	Attempt time.Duration
	Rate    int64 // bytes per second
	// Silence is after how long without a byte a body that is being read is asked for
	// again if others get theirs, 5 s. Attempt bounds it where none does.
	Silence time.Duration
	// Long bounds one attempt at something for which the store moves bytes
	// itself: Complete, Copy and UploadPartCopy. 10 min, since some stores copy
	// all parts into one file.
	Long time.Duration

	// Parallel is the most attempts with bodies at once, Commits that of Complete
	// and Copy, and Metadata that of all others: 64, 64 and 128. The profile's
	// MaxParallel lowers each of them.
	Parallel, Commits, Metadata int

	// Jitter picks a pause between zero and the bound; nil means at random.
	Jitter func(bound time.Duration) time.Duration
	// Observe is told of each attempt that failed and will be repeated. It is
	// called from any goroutine and must not block. nil means nobody.
	Observe func(Failure)
}

// Failure is an attempt that failed and will be repeated.
type Failure struct {
	Op, Key string
	Attempt int // from 1
	Err     error
	Wait    time.Duration // until the next attempt
}

func (c Config) withDefaults(maxParallel int) Config {
	if c.For >= 0 {
		c.For = orElse(c.For, 10*time.Minute)
	}
	c.Base = orElse(c.Base, 100*time.Millisecond)
	c.Cap = orElse(c.Cap, 20*time.Second)
	c.Attempt = orElse(c.Attempt, DefaultAttempt)
	c.Rate = orElse(c.Rate, DefaultRate)
	c.Silence = orElse(c.Silence, 5*time.Second)
	c.Long = orElse(c.Long, 10*time.Minute)
	c.Parallel = orElse(c.Parallel, DefaultParallel)
	c.Commits = orElse(c.Commits, 64)
	c.Metadata = orElse(c.Metadata, 128)
	if maxParallel > 0 {
		c.Parallel = min(c.Parallel, maxParallel)
		c.Commits = min(c.Commits, maxParallel)
		c.Metadata = min(c.Metadata, maxParallel)
	}
	if c.Jitter == nil {
		c.Jitter = func(bound time.Duration) time.Duration { return rand.N(bound + 1) }
	}
	return c
}

func orElse[T int | int64 | time.Duration](value, fallback T) T {
	if value > 0 {
		return value
	}
	return fallback
}

// bound is the longest pause before the nth repetition, from 0.
func (c *Config) bound(n int) time.Duration {
	if n > 30 { // would overflow, and is past any cap
		return c.Cap
	}
	return min(c.Cap, c.Base<<n)
}

// limit is how long an attempt with a body of that size may take.
func (c *Config) limit(size int64) time.Duration {
	return c.Attempt + time.Duration(float64(size)/float64(c.Rate)*float64(time.Second))
}
