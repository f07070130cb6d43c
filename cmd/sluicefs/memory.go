package main

import (
	"fmt"
	"runtime/debug"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// How --memory is shared out. The uploader's buffers are one mapping outside the
// garbage-collected heap and never exceed their share. The cache lives in the
// heap, together with what the rest of the program allocates while it works.
const (
	cacheShare = 4 // the cache gets 1/4, the uploader the rest
	// heapRoom is what the heap may take beyond the cache's share: requests,
	// listings, goroutines, and garbage that was not collected yet. With the 10 to
	// 14 MiB of program text that are resident it keeps the process within
	// --memory + 40 MiB.
	heapRoom = 24 * mib
)

// memoryPlan is what each part of a mount may use, in bytes.
type memoryPlan struct {
	uploader int64
	cache    int64
	heap     int64 // the limit for the garbage collector
}

// planMemory shares out the value of --memory for a store whose parts may not be
// smaller than its profile says.
func planMemory(total int64, store *objstore.Profile) (memoryPlan, error) {
	p := memoryPlan{cache: total / cacheShare}
	p.uploader = total - p.cache
	p.heap = p.cache + heapRoom
	if least := uploader.MinMemory(store); p.uploader < least {
		smallest := byteSize((least*cacheShare + cacheShare - 2) / (cacheShare - 1))
		given, part := byteSize(total), byteSize(store.Part.Min)
		return memoryPlan{}, fmt.Errorf("--memory %s is too little: parts of %s need at least %s", &given, &part, &smallest)
	}
	return p, nil
}

// apply tells the garbage collector. It works harder when the heap comes near
// its limit, and as usual below.
func (p memoryPlan) apply() { debug.SetMemoryLimit(p.heap) }
