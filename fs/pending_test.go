package fs

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// slowKeeper stores its attributes when it may.
type slowKeeper struct {
	fileNode
	may    chan struct{}
	stored bool
}

func (k *slowKeeper) keep(context.Context) error {
	<-k.may
	k.stored = true
	return nil
}

// TestFlushWaitsForWhatIsBeingStored flushes the queue while it stores by itself.
func TestFlushWaitsForWhatIsBeingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &FileSystem{cfg: Config{Now: time.Now, MetadataDelay: time.Second}}
		q := &f.pending
		q.init(f)
		k := &slowKeeper{may: make(chan struct{})}
		k.fsys = f
		q.add(k)
		time.Sleep(time.Second)
		go q.storeDue(t.Context(), time.Now())
		synctest.Wait()
		flushed := make(chan error)
		go func() { flushed <- q.flush(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		close(k.may)
		if err := <-flushed; err != nil || !k.stored {
			t.Errorf("stored: %v, %v", k.stored, err)
		}
	})
}
