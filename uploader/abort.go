package uploader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// abortFor is how long an abort is tried. The file is failed already; its upload
// must not keep an unmount waiting for a store that is gone.
const abortFor = time.Minute

// lookAgain is how long after the abort of an upload, of which a request was never
// answered, it is looked for: what was on its way may bring it back.
var lookAgain = [...]time.Duration{250 * time.Millisecond, time.Second, 4 * time.Second}

// An upload that does not go is aborted so often, with pauses that grow by so much.
const (
	abortTries = 5
	abortPause = 200 * time.Millisecond
)

// errStays says that an upload is there however often it is aborted.
var errStays = errors.New("it is still there")

// abortAll ends uploads that will not be completed. It is called when nothing of
// them is on its way; a failure is logged, as nobody waits for it, and the store is asked
// again later.
func (u *Uploader) abortAll(ups []*upload) {
	for _, up := range ups {
		select {
		case <-up.ready:
		default: // never begun
			continue
		}
		if up.err != nil {
			continue
		}
		if !u.abortLogged(up) {
			continue
		}
		u.stats.aborts.Add(1)
		if up.doubt.Load() {
			u.wg.Go(func() { u.watch(up) })
		}
	}
}

// watch aborts an upload again that comes back with a part that was on its way.
func (u *Uploader) watch(up *upload) {
	for _, d := range lookAgain {
		if !pause(u.hurry, d) || !u.abortLogged(up) {
			return
		}
	}
}

// pause waits, and reports that ctx did not end meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (u *Uploader) abortLogged(up *upload) bool {
	err := u.abort(u.ctx, up)
	if err != nil {
		u.leftovers.add([]*upload{up})
		u.log.WithError(err).WithField("key", up.key).WithField("upload", up.ref.ID).Error("cannot abort upload")
	}
	return err == nil
}

// abort ends an upload, and asks whether it is gone: S3 says of an abort that it
// may have to be repeated until no parts are left.
func (u *Uploader) abort(ctx context.Context, up *upload) error {
	ctx, cancel := context.WithTimeout(ctx, abortFor)
	defer cancel()
	for try := range abortTries {
		if !pause(ctx, abortPause*time.Duration(try)) {
			return ctx.Err()
		}
		if err := u.store.Abort(ctx, up.ref); err != nil && !errors.Is(err, objstore.ErrNoSuchUpload) {
			return err
		}
		_, err := u.store.ListParts(ctx, up.ref, 0)
		switch {
		case errors.Is(err, objstore.ErrNoSuchUpload), errors.Is(err, objstore.ErrNotFound):
			return nil
		case err != nil: // asking is a precaution, and the abort was answered
			u.log.WithError(err).WithField("key", up.key).Debug("cannot ask whether an upload is gone")
			return nil
		}
	}
	return fmt.Errorf("abort upload: %w", errStays)
}
