package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// late is a store that takes its time over what it has received. It answers the
// creation of an upload when create is closed, and a part takes effect when act is,
// whether or not anybody still waits. An upload that is aborted before that comes
// back with the part, as S3 says of its own.
type late struct {
	*mem.Store
	create, act chan struct{}
	came        chan struct{} // a value for every request that is held
	working     sync.WaitGroup

	mu     sync.Mutex
	parts  int  // that have not taken effect
	undead bool // aborted meanwhile
}

func (l *late) CreateMultipart(ctx context.Context, key string, o objstore.ObjectOptions) (string, error) {
	id, err := l.Store.CreateMultipart(context.Background(), key, o)
	l.came <- struct{}{}
	select {
	case <-l.create:
		return id, err
	case <-ctx.Done():
		return "", &objstore.Error{Op: objstore.OpCreateMultipart, Key: key, Kind: ctx.Err(), Sent: true}
	}
}

func (l *late) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	data, err := io.ReadAll(body.Reader)
	if err != nil {
		return objstore.Part{}, &objstore.Error{Op: objstore.OpUploadPart, Key: up.Key, Kind: objstore.ErrInvalid, Err: err, Sent: true}
	}
	l.mu.Lock()
	l.parts++
	l.mu.Unlock()
	body.Reader = bytes.NewReader(data)
	var part objstore.Part
	done := make(chan struct{})
	l.working.Go(func() {
		defer close(done)
		<-l.act
		part, err = l.Store.UploadPart(context.Background(), up, number, body)
		l.mu.Lock()
		l.parts--
		l.mu.Unlock()
	})
	l.came <- struct{}{}
	select {
	case <-done:
		return part, err
	case <-ctx.Done():
		return objstore.Part{}, &objstore.Error{Op: objstore.OpUploadPart, Key: up.Key, Kind: ctx.Err(), Sent: true}
	}
}

func (l *late) Abort(ctx context.Context, up objstore.UploadRef) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.undead = l.parts > 0; l.undead {
		return nil
	}
	return l.Store.Abort(ctx, up)
}

func (l *late) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (objstore.PartPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.undead && l.parts > 0 {
		return objstore.PartPage{}, &objstore.Error{Op: objstore.OpListParts, Key: up.Key, Kind: objstore.ErrNoSuchUpload}
	}
	return l.Store.ListParts(ctx, up, after)
}

// lateFile is a file of which a first request is held by its store.
type lateFile struct {
	*uploader.File
	t      *testing.T
	u      *uploader.Uploader
	under  *late
	faults *fault.Store // without a fault: counts
}

func newLateFile(t *testing.T) *lateFile {
	l := &late{Store: mem.New(small()), create: make(chan struct{}), act: make(chan struct{}), came: make(chan struct{}, 100)}
	t.Cleanup(l.working.Wait)
	f := &lateFile{t: t, under: l, faults: fault.New(l)}
	f.u = newUploader(t, f.faults, smallConfig(t))
	f.File = f.u.Open("f", uploader.OpenOptions{})
	mustWrite(t, f.File, noise(1, 250_000), 0)
	<-l.came
	return f
}

// discard gives the file up, and closes it when the rest has happened.
func (f *lateFile) discard(rest func()) {
	f.t.Helper()
	f.Discard(uploader.ErrWriterKilled)
	synctest.Wait()
	if n := f.faults.Calls(objstore.OpAbort); n != 0 {
		f.t.Errorf("aborted %d times before the answer", n)
	}
	rest()
	if err := f.Close(context.Background()); !errors.Is(err, uploader.ErrWriterKilled) {
		f.t.Errorf("close: %v", err)
	}
}

// ended checks how many requests it took to end the upload.
func (f *lateFile) ended(aborts, looks int64) {
	f.t.Helper()
	if n := f.under.Uploads(); n != 0 {
		f.t.Errorf("%d uploads are left", n)
	}
	if a, l := f.faults.Calls(objstore.OpAbort), f.faults.Calls(objstore.OpListParts); a != aborts || l != looks {
		f.t.Errorf("%d aborts and %d looks, want %d and %d", a, l, aborts, looks)
	}
}

// TestDiscardAwaitsCreation gives a file up whose upload is being begun: only its
// answer says what is to be aborted.
func TestDiscardAwaitsCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLateFile(t)
		f.discard(func() { close(f.under.create) })
		f.ended(1, 1)
		if n := f.faults.Calls(objstore.OpUploadPart); n != 0 {
			t.Errorf("%d parts were sent after that", n)
		}
		close(f.under.act)
	})
}

// TestDiscardAwaitsParts gives a file up whose parts the store has received: the
// abort must not overtake them.
func TestDiscardAwaitsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLateFile(t)
		close(f.under.create)
		<-f.under.came
		f.discard(func() { close(f.under.act) })
		f.ended(1, 1)
	})
}

// TestDiscardOfWhatIsNeverAnswered has a part take effect when nobody waits for it
// any more, and bring back the upload.
func TestDiscardOfWhatIsNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLateFile(t)
		close(f.under.create)
		<-f.under.came
		f.discard(func() {}) // the store says that it is gone
		time.Sleep(500 * time.Millisecond)
		close(f.under.act)
		time.Sleep(time.Minute)
		f.ended(4, 4)
	})
}

// TestCloseWaitsNotLong ends the uploader while a store does not answer.
func TestCloseWaitsNotLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLateFile(t)
		close(f.under.create)
		<-f.under.came
		began := time.Now()
		if err := f.u.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		if n := f.faults.Calls(objstore.OpAbort); n != 1 {
			t.Errorf("%d aborts, want 1", n)
		}
		close(f.under.act)
	})
}

// TestDiscardSendsNoFurther gives a file up while its parts wait to be received.
func TestDiscardSendsNoFurther(t *testing.T) {
	store := fault.New(mem.New(small()))
	gate := fault.NewGate()
	store.Add(fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Delay, Gate: gate})
	u := newUploader(t, store, smallConfig(t))
	f := u.Open("f", uploader.OpenOptions{})
	mustWrite(t, f, noise(1, 250_000), 0)
	<-gate.Arrived()
	f.Discard(uploader.ErrWriterKilled)
	gate.Open()
	if err := f.Close(t.Context()); !errors.Is(err, uploader.ErrWriterKilled) {
		t.Errorf("close: %v", err)
	}
	if s := u.Stats(); s.Parts != 0 || s.SentBytes != 0 || s.Aborts != 1 {
		t.Errorf("%+v", s)
	}
}

// stubborn is a store whose uploads survive a number of aborts.
type stubborn struct {
	*mem.Store
	lives int
}

func (s *stubborn) Abort(ctx context.Context, up objstore.UploadRef) error {
	if s.lives--; s.lives >= 0 {
		return nil
	}
	return s.Store.Abort(ctx, up)
}

// TestAbortUntilItIsGone aborts uploads that stay for a while, and for good.
func TestAbortUntilItIsGone(t *testing.T) {
	for lives, gone := range map[int]bool{1: true, 4: true, 100: false} {
		synctest.Test(t, func(t *testing.T) {
			log, hook := logtest.NewNullLogger()
			store := &stubborn{mem.New(small()), lives}
			cfg := smallConfig(t)
			cfg.Log = logrus.NewEntry(log)
			u := newUploader(t, store, cfg)
			f := u.Open("f", uploader.OpenOptions{})
			mustWrite(t, f, noise(1, 250_000), 0)
			if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
				t.Error(err)
			}
			f.Discard(uploader.ErrWriterKilled)
			_ = f.Close(t.Context())
			if n := store.Uploads(); (n == 0) != gone {
				t.Errorf("%d lives: %d uploads are left", lives, n)
			}
			if e := hook.LastEntry(); (e == nil) != gone {
				t.Errorf("%d lives: logged %v", lives, e)
			}
		})
	}
}
