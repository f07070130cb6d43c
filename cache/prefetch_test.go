package cache_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluicefs/sluicefs/cache"
)

// TestPrefetchIsHeld reads a small file piece by piece, of which nothing is kept but for
// its reader: what was fetched ahead is there for all of them.
func TestPrefetchIsHeld(t *testing.T) {
	for _, piece := range []int{cache.SmallFile, cache.SmallFile / 2, 4096} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			f := newFile(t, cache.SmallFile, cache.Config{})
			f.info.ETag = ""
			r := f.c.Open(f.info)
			defer r.Close()
			r.Prefetch(context.Background())
			for off := 0; off < cache.SmallFile; off += piece {
				f.read(r, int64(off), piece)
			}
			if calls, bytes := f.gets(); calls != 1 || bytes != cache.SmallFile {
				t.Errorf("%d GETs for %d bytes", calls, bytes)
			}
		})
	}
}
