package fs

import (
	"context"
	"errors"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// What the tree refuses by itself.
var (
	errNotFound     = errors.New("no such name")
	errExists       = errors.New("name is taken")
	errNotEmpty     = errors.New("directory is not empty")
	errIsDir        = errors.New("is a directory")
	errNotDir       = errors.New("is not a directory")
	errStale        = errors.New("file was replaced")
	errLookAgain    = errors.New("the kernel must look the name up again") // and does, unseen by the program
	errForbidden    = errors.New("not allowed here")
	errUnsupported  = errors.New("not supported")
	errInvalid      = errors.New("request makes no sense")
	errNoAttribute  = errors.New("no such extended attribute")
	errRange        = errors.New("buffer is too small")
	errNotPermitted = errors.New("permission denied")
	errTaken        = errors.New("the name was taken by another writer at this moment")
	errNoRoom       = errors.New("no room for it in the object's metadata")
	errGivenUp      = errors.New("the kernel has given up the mount, and somebody was writing to the file") // nobody is there to be told
)

// errnos is the one place where a failure becomes a number. The first kind that
// matches counts, so what says more about the same failure stands above: the
// uploader wraps what the store said.
var errnos = []struct {
	kind  error
	errno syscall.Errno
}{
	{errNotFound, syscall.ENOENT},
	{errExists, syscall.EEXIST},
	{errNotEmpty, syscall.ENOTEMPTY},
	{errIsDir, syscall.EISDIR},
	{errNotDir, syscall.ENOTDIR},
	{errStale, syscall.ESTALE},
	{errLookAgain, syscall.ESTALE},
	{errForbidden, syscall.EPERM},
	{errUnsupported, syscall.ENOTSUP},
	{errInvalid, syscall.EINVAL},
	{errNoAttribute, syscall.ENODATA},
	{errRange, syscall.ERANGE},
	{errNotPermitted, syscall.EACCES},
	// ESTALE would have the kernel rename again, and report that the old name is gone.
	{errTaken, syscall.EBUSY},
	{errNoRoom, syscall.ENOSPC}, // what setxattr(2) has for it; E2BIG is a limit of the kernel's
	{keypath.ErrInvalid, syscall.EINVAL},
	{keypath.ErrTooLong, syscall.ENAMETOOLONG},

	{uploader.ErrExists, syscall.EEXIST},
	// The name means another file than the one that was opened, as on NFS. EEXIST
	// would make programs believe in O_EXCL, EBUSY that waiting helps.
	{uploader.ErrConflict, syscall.ESTALE},
	{uploader.ErrTooLarge, syscall.EFBIG},
	{uploader.ErrNoSpace, syscall.ENOSPC},
	{uploader.ErrIntegrity, syscall.EIO},
	{cache.ErrDamaged, syscall.EIO},
	{uploader.ErrUnverified, syscall.EIO}, // before what kept the store from telling
	{uploader.ErrNotRestored, syscall.EIO},
	{uploader.ErrWriterKilled, syscall.EIO},
	{uploader.ErrDraining, syscall.EROFS}, // a mount that is going away takes no more writes
	{uploader.ErrClosed, syscall.EBADF},

	// A request that its caller ended: before the kinds of the store, because an
	// attempt that was ended says both.
	{context.Canceled, syscall.EINTR},

	{objstore.ErrNotFound, syscall.ENOENT},
	{objstore.ErrAccessDenied, syscall.EACCES},
	{objstore.ErrExpired, syscall.EACCES},      // the credentials, after --retry-for
	{objstore.ErrPrecondition, syscall.ESTALE}, // the object of the open file was replaced
	{objstore.ErrRange, syscall.ESTALE},        // it is shorter than when it was opened
	{objstore.ErrConflict, syscall.EBUSY},      // another writer was at it at the same moment, again and again
	{objstore.ErrTooLarge, syscall.EFBIG},
	{objstore.ErrKeyTooLong, syscall.ENAMETOOLONG},
	{objstore.ErrInvalid, syscall.EINVAL},
	{objstore.ErrUnsupported, syscall.ENOTSUP},
	{objstore.ErrNoSpace, syscall.ENOSPC},
	// Not EACCES, which no restore would heal, and not EAGAIN, which programs
	// retry in a loop: the data is there, but far away.
	{objstore.ErrArchived, syscall.EREMOTEIO},
	{objstore.ErrNoSuchBucket, syscall.ENODEV}, // what was mounted is gone
	// Unavailable, throttled, bad digests and everything that nobody thought of:
	// EIO, below.
}

// Answers that mean something of their own to the kernel.
const (
	// notServed: the kernel has a way of its own, and does not ask again.
	notServed = syscall.ENOSYS
	// plainEntry, for the second half of an entry of READDIRPLUS: there is a name,
	// and nothing more is said of it.
	plainEntry = syscall.ENOENT
)

// errnoOf returns the number that the application sees for a failure.
func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for _, row := range errnos {
		if errors.Is(err, row.kind) {
			return row.errno
		}
	}
	return syscall.EIO
}

// ordinary are answers rather than failures: programs ask in order to get them.
var ordinary = map[syscall.Errno]bool{
	syscall.ENOENT: true, syscall.EEXIST: true, syscall.ENOTEMPTY: true, syscall.EISDIR: true,
	syscall.ENOTDIR: true, syscall.ENODATA: true, syscall.ERANGE: true, syscall.EINTR: true,
	syscall.ENOTSUP: true, syscall.EINVAL: true, syscall.ENAMETOOLONG: true, syscall.EPERM: true,
}

// answer is the edge to the kernel: it turns the outcome of an operation into
// its number, and writes the one line about a failure.
func (f *FileSystem) answer(op, key string, err error) syscall.Errno {
	if err == nil {
		return 0
	}
	return f.answerAt(levelOf(err), op, key, err)
}

func (f *FileSystem) answerAt(level logrus.Level, op, key string, err error) syscall.Errno {
	errno := errnoOf(err)
	f.log.WithFields(logrus.Fields{"op": op, "key": key, "errno": errno.Error()}).Log(level, err)
	return errno
}

// levelOf is how bad a failure is.
func levelOf(err error) logrus.Level {
	errno := errnoOf(err)
	_, isLimit := errors.AsType[*objstore.Limit](err)
	switch {
	case isLimit: // whose rule it is stands nowhere else
	case ordinary[errno], errors.Is(err, errLookAgain):
		return logrus.DebugLevel
	case errno == syscall.EIO && !errors.Is(err, uploader.ErrWriterKilled):
		return logrus.ErrorLevel
	}
	return logrus.WarnLevel
}
