package cache_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
)

// TestDeepDirectoriesAreJudgedOnce removes what is at the bottom of many directories
// in each other when all that was known of them is old: whether the upper ones are
// there follows from those below, which are not to be looked at more and more often.
func TestDeepDirectoriesAreJudgedOnce(t *testing.T) {
	const depth = 18 // two looks at each directory for each at the one above are 2^18
	now := newClock()
	var looks atomic.Int64
	b := newBucket(t, 1000, cache.Config{Now: func() time.Time {
		looks.Add(1)
		return now.Now()
	}})
	bottom := strings.Repeat("d/", depth)
	b.put(bottom + "f")
	b.put(bottom + "g")
	for _, gone := range []string{"f", "g"} {
		b.remove(bottom + gone)
		looks.Store(0)
		b.want("", "d", map[string]string{"f": "dir", "g": "none"}[gone])
		if n := looks.Load(); n > 100*depth {
			t.Errorf("the clock was looked at %d times when %s was gone", n, gone)
		}
		now.add(time.Minute)
	}
}
