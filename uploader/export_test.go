package uploader

// Waiting returns how many callers wait for memory.
func (u *Uploader) Waiting() int {
	u.pool.mu.Lock()
	defer u.pool.mu.Unlock()
	return len(u.pool.waiting)
}
