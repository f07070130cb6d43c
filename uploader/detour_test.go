package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// gets tells of the first GET that is refused.
type gets struct {
	objstore.Store
	refused chan error
}

func (s *gets) Get(ctx context.Context, key string, o objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	body, info, err := s.Store.Get(ctx, key, o)
	if err != nil {
		select {
		case s.refused <- err:
		default:
		}
	}
	return body, info, err
}

// TestReadDuringADetour reads what only the object has while its name shows what was sent
// of the next one, to be copied aside: the object comes back with the ETag that it had.
func TestReadDuringADetour(t *testing.T) {
	store := fault.New(mem.New(small()))
	asked := &gets{Store: store, refused: make(chan error, 1)}
	u := newUploader(t, asked, smallConfig(t))
	old := noise(7, 350_000)
	info := putObject(t, store, "f", old)
	f := u.Open("f", uploader.OpenOptions{Base: &info, Guard: objstore.Condition{ETag: info.ETag}})
	mustWrite(t, f, noise(1, 200_000), 0)
	if err := f.Truncate(t.Context(), f.Size()); err != nil { // waits for the parts
		t.Fatal(err)
	}
	sent, shown := fault.NewGate(), fault.NewGate()
	defer sent.Open()
	defer shown.Open()
	store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Delay, Gate: sent})
	store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: shown, After: 2}) // the first sets the object aside
	read := make(chan error)
	got := make([]byte, 1000)
	go func() {
		_, err := f.ReadAt(t.Context(), got, 340_000)
		read <- err
	}()
	<-sent.Arrived()
	renamed := make(chan error)
	go func() { renamed <- f.Rename(t.Context(), "g", objstore.Condition{Absent: true}) }()
	<-shown.Arrived()
	sent.Open()
	<-asked.refused
	ended, end := context.WithCancel(t.Context())
	end()
	if err := f.Settle(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that is cut short: %v", err)
	}
	shown.Open()
	if err := <-renamed; err != nil {
		t.Error("rename:", err)
	}
	if err := <-read; err != nil || !bytes.Equal(got, old[340_000:341_000]) {
		t.Errorf("read: %v, as it was: %v", err, bytes.Equal(got, old[340_000:341_000]))
	}
	if err := f.Settle(t.Context()); err != nil || f.Detours() != 1 {
		t.Errorf("%v, %d detours", err, f.Detours())
	}
	mustClose(t, f)
}
