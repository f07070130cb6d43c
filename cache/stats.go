package cache

// Stats is what a cache did so far, and what it holds now.
type Stats struct {
	Gets    int64 // GETs that were sent for the contents of files
	Fetched int64 // bytes that they asked for
	Served  int64 // bytes that readers got
	Found   int64 // bytes that were on the disk
	Held    int64 // bytes of memory in blocks, now
	Streams int64 // places at which readers read ahead, now
}

// Stats returns the counters. They are not all of one moment.
func (c *Cache) Stats() Stats {
	b := c.blocks
	var found int64
	if b.disk != nil {
		found = b.disk.Stats().Read
	}
	return Stats{
		Found:   found,
		Gets:    b.gets.Load(),
		Fetched: b.fetched.Load(),
		Served:  b.served.Load(),
		Held:    b.pool.inUse(),
		Streams: b.windows.Load(),
	}
}
