package main

import (
	"fmt"
	"runtime/debug"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// How --memory is shared out, so that the process stays within it and 40 MiB.
// docs/DESIGN.md has the sum. The uploader's buffers and the cache's blocks are
// mappings outside the garbage-collected heap and never exceed their share; all
// else is in the heap, which gets a limit.
const (
	requestShare = 16 // of --memory is for the kernel's requests
	cacheShare   = 4  // of what is left after that is the cache's, the rest the uploader's, who lends it
	nameShare    = 4  // of the cache's are names and attributes, in the heap
	mostNames    = 256 * mib

	// leastRequests and mostRequests bound the share of the kernel's requests, in bytes, and
	// fewRequests is into how many it is cut as long as they do not get too small for it.
	leastRequests, mostRequests = 8 * mib, 64 * mib
	fewRequests                 = 32
	// requestCost is how many times its size a request takes of the heap: what it is read
	// into and what it is answered from are kept for the next ones, each by itself. With less
	// room than that the collector takes them away again and again.
	requestCost = 2

	// heapRoom is what the heap may take beyond the shares: leastRequests for
	// requests that are worked on, connections, goroutines, and garbage that was
	// not collected yet. With up to 20 MiB of program text and libraries that are
	// resident it makes 40 MiB.
	heapRoom = 20 * mib
)

// memoryPlan is what each part of a mount may use, in bytes.
type memoryPlan struct {
	uploader int64
	cache    int64
	names    int64 // of the cache's share, those in the heap
	requests int   // how many the kernel may keep going
	request  int   // for how many bytes each of them is at most
	heap     int64 // the limit for the garbage collector
}

// planMemory shares out the value of --memory for a store whose parts may not be
// smaller than its profile says.
func planMemory(total int64, store *objstore.Profile) (memoryPlan, error) {
	var p memoryPlan
	requests := min(max(total/requestShare, leastRequests), mostRequests)
	p.request = int(min(max(requests/fewRequests, fs.MinRequestSize), fs.MaxRequestSize)) &^ (fs.MinRequestSize - 1)
	p.requests = int(requests) / p.request
	extra := requestCost * (requests - leastRequests)
	p.cache = (total - extra) / cacheShare
	p.names = min(p.cache/nameShare, mostNames)
	p.uploader = total - extra - p.cache
	p.heap = p.names + extra + heapRoom
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
