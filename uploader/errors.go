package uploader

import "errors"

// What can become of a file under write, beside the kinds of objstore.
var (
	// ErrClosed is returned for calls on a file after Close.
	ErrClosed = errors.New("file is closed")
	// ErrTooLarge is returned by the write that would make the file larger than
	// the store's profile allows. The file stays as it was.
	ErrTooLarge = errors.New("file larger than the store allows")
	// ErrConflict says that another writer changed the object since it was opened.
	ErrConflict = errors.New("object was changed by another writer")
	// ErrExists says that an exclusive creation lost: somebody else made the object.
	ErrExists = errors.New("object exists")
	// ErrIntegrity says that the store holds other bytes than were written.
	ErrIntegrity = errors.New("stored object differs from what was written")
	// ErrUnverified says that the object was stored, but that the store would not
	// tell whether it holds what was written.
	ErrUnverified = errors.New("object was stored, but could not be checked")
	// ErrNotRestored says that the name shows a part of what was written, because the
	// store failed while that was made readable under it: see SEMANTICS.md, W14.
	ErrNotRestored = errors.New("the name shows half of the file, and cannot get back what it had")
	// ErrNoSpace says that memory and spill file are both full.
	ErrNoSpace = errors.New("no space for data waiting to be sent")
	// ErrWriterKilled is the cause given to Discard when a signal ended the writer.
	ErrWriterKilled = errors.New("writer was killed")
	// ErrDraining is returned by writes to files that were opened after Drain began.
	ErrDraining = errors.New("mount is being drained")
)
