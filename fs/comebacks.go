package fs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// comebacks are names that somebody is about to look up again. To open a file by its
// name the kernel asks twice, LOOKUP and OPEN, and if the file lost its name to another
// one in between, it looks the name up once more. If that happens again it gives up, and
// the program reads ESTALE, which no local file system would say. So from the second
// LOOKUP on nobody takes the name away from its file until the OPEN came, or
// comebackTime has passed. What is stored by other clients is not held up.
type comebacks struct {
	names atomic.Int32 // in due, to be read without the mutex

	mu  sync.Mutex
	due map[returner]*comeback // who comes back takes his out, and others those whose time is over
}

// returner is a thread that looks for the file of a key.
type returner struct {
	key string
	tid uint32
}

// comeback is what is known of a returner, whom an operation on the file has failed.
type comeback struct {
	until  time.Time
	looked bool          // he has looked the name up since
	came   chan struct{} // closed when the operation comes
}

// comebackTime is how long one waits for the OPEN that follows a LOOKUP: only the kernel
// and the scheduler stand in between.
const comebackTime = 100 * time.Millisecond

// expect notes that an operation failed because the file has lost the name.
func (c *comebacks) expect(r returner) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due == nil {
		c.due = map[returner]*comeback{}
	}
	c.forgetLocked(now)
	if c.due[r] == nil {
		c.due[r] = &comeback{until: now.Add(comebackTime), came: make(chan struct{})}
		c.names.Add(1)
	}
}

// looking notes that a name is looked up, and reports that an operation is expected then.
func (c *comebacks) looking(r returner) bool {
	if c.names.Load() == 0 {
		return false
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(now)
	b := c.due[r]
	if b != nil {
		b.looked, b.until = true, now.Add(comebackTime)
	}
	return b != nil
}

// came notes that the operation has come, or that there is no file.
func (c *comebacks) came(r returner) {
	if c.names.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeLocked(r)
}

// forgetLocked forgets those whose time is over.
func (c *comebacks) forgetLocked(now time.Time) {
	for r, b := range c.due {
		if !now.Before(b.until) {
			c.takeLocked(r)
		}
	}
}

func (c *comebacks) takeLocked(r returner) {
	if b := c.due[r]; b != nil {
		close(b.came)
		delete(c.due, r)
		c.names.Add(-1)
	}
}

// enter takes the gates of a file that is to lose its name, and of who gets it, as enterBoth
// does, when nobody is expected to open the file in this moment. Who looks the name up from
// then on sees that it is going.
func (c *comebacks) enter(ctx context.Context, key string, loses, gets *fileNode) (leave func(), err error) {
	for {
		gates, err := enterBoth(ctx, loses, gets)
		if err != nil || loses == nil {
			return gates, err
		}
		leave := func() {
			loses.going.Store(false)
			gates()
		}
		loses.going.Store(true)
		b := c.looked(key)
		if b == nil {
			return leave, nil
		}
		leave() // who opens it may need the gate
		if err := c.wait(ctx, b); err != nil {
			return func() {}, err
		}
	}
}

// looked returns one who has looked the name up and is expected, or nil.
func (c *comebacks) looked(key string) *comeback {
	if c.names.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(time.Now())
	for r, b := range c.due {
		if r.key == key && b.looked {
			return b
		}
	}
	return nil
}

// wait waits for an operation, or till it is not expected any more.
func (c *comebacks) wait(ctx context.Context, b *comeback) error {
	timer := time.NewTimer(comebackTime)
	defer timer.Stop()
	select {
	case <-b.came:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
