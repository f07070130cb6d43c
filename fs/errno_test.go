package fs

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

func TestErrnoOf(t *testing.T) {
	rows := map[error]syscall.Errno{
		errNotFound: syscall.ENOENT, errExists: syscall.EEXIST, errNotEmpty: syscall.ENOTEMPTY,
		errIsDir: syscall.EISDIR, errNotDir: syscall.ENOTDIR, errStale: syscall.ESTALE, errLookAgain: syscall.ESTALE,
		errForbidden: syscall.EPERM, errUnsupported: syscall.ENOTSUP, errInvalid: syscall.EINVAL,
		errNoAttribute: syscall.ENODATA, errRange: syscall.ERANGE, errNotPermitted: syscall.EACCES, errNoRoom: syscall.ENOSPC, errTaken: syscall.EBUSY,
		keypath.ErrInvalid: syscall.EINVAL, keypath.ErrTooLong: syscall.ENAMETOOLONG,
		uploader.ErrExists: syscall.EEXIST, uploader.ErrConflict: syscall.ESTALE, uploader.ErrTooLarge: syscall.EFBIG,
		uploader.ErrNoSpace: syscall.ENOSPC, uploader.ErrIntegrity: syscall.EIO, uploader.ErrWriterKilled: syscall.EIO, uploader.ErrNotRestored: syscall.EIO,
		cache.ErrDamaged: syscall.EIO, uploader.ErrUnverified: syscall.EIO, uploader.ErrDraining: syscall.EROFS, uploader.ErrClosed: syscall.EBADF,
		context.Canceled:     syscall.EINTR,
		objstore.ErrNotFound: syscall.ENOENT, objstore.ErrAccessDenied: syscall.EACCES, objstore.ErrExpired: syscall.EACCES,
		objstore.ErrPrecondition: syscall.ESTALE, objstore.ErrRange: syscall.ESTALE, objstore.ErrConflict: syscall.EBUSY,
		objstore.ErrTooLarge: syscall.EFBIG, objstore.ErrKeyTooLong: syscall.ENAMETOOLONG, objstore.ErrInvalid: syscall.EINVAL,
		objstore.ErrUnsupported: syscall.ENOTSUP, objstore.ErrNoSpace: syscall.ENOSPC, objstore.ErrArchived: syscall.EREMOTEIO,
		objstore.ErrNoSuchBucket: syscall.ENODEV,
	}
	for _, row := range errnos {
		if _, tested := rows[row.kind]; !tested {
			t.Errorf("no row for %v", row.kind)
		}
	}
	for _, kind := range []error{
		objstore.ErrUnavailable, objstore.ErrThrottled, objstore.ErrBadDigest, objstore.ErrInternal,
		objstore.ErrInvalidPart, objstore.ErrNoSuchUpload, errors.New("whatever"),
	} {
		rows[kind] = syscall.EIO
	}
	for kind, want := range rows {
		for _, err := range []error{
			kind,
			fmt.Errorf("do something with %q: %w", "k", kind),
			&objstore.Error{Op: objstore.OpPut, Key: "k", Kind: kind},
		} {
			if got := errnoOf(err); got != want {
				t.Errorf("errnoOf(%v) = %v, want %v", err, got, want)
			}
		}
	}
	if got := errnoOf(nil); got != 0 {
		t.Errorf("errnoOf(nil) = %v", got)
	}
}

// What says more about the same failure wins.
func TestErrnoOfWrapped(t *testing.T) {
	for _, c := range []struct {
		err  error
		want syscall.Errno
	}{
		{fmt.Errorf("%w: %w", uploader.ErrExists, objstore.ErrPrecondition), syscall.EEXIST},
		{fmt.Errorf("%w: %w", uploader.ErrConflict, objstore.ErrPrecondition), syscall.ESTALE},
		{fmt.Errorf("%w: %w", uploader.ErrUnverified, objstore.ErrAccessDenied), syscall.EIO},
		{errors.Join(errStale, objstore.ErrNotFound), syscall.ESTALE},
		{&objstore.Error{Op: objstore.OpGet, Kind: objstore.ErrUnavailable, Err: context.Canceled}, syscall.EINTR},
	} {
		if got := errnoOf(c.err); got != c.want {
			t.Errorf("errnoOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}
