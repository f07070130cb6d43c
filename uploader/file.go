package uploader

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// OpenOptions say what a file under write begins with and may replace.
type OpenOptions struct {
	// Base is the object whose content the file begins with; nil begins empty.
	Base *objstore.Info
	// Guard is what the commit must find under the name: no object (a new file),
	// or the object that was seen at open. The zero value is anything.
	Guard objstore.Condition
	// Exclusive says that the file was made with O_EXCL: a guard that fails is
	// ErrExists, whatever the conflict policy.
	Exclusive bool
	// Options are the properties of a new object. Those of Base are kept, and
	// asked for when they are needed and Base.Full is false.
	Options objstore.ObjectOptions
	// Random says that the file is likely to be written here and there, or read
	// back: it was opened for reading as well. What is sent of it is then held
	// for as long as memory allows.
	Random bool
}

// File is one file under write. It belongs to an inode, from the first open for
// writing to the last release, and all its handles share it. All methods may be
// called from any goroutine.
type File struct {
	// Constant.
	u      *Uploader
	ctx    context.Context // of its requests
	cancel context.CancelCauseFunc
	opened time.Time

	// mu guards everything below and the file's cells. It is held for memory
	// work and the local spill file only, never across a request or a wait.
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced whenever something below changes
	busy      bool          // one commit, truncate, rename or stage at a time
	key       string
	guard     objstore.Condition
	exclusive bool
	size      int64
	cells     map[int]*cell
	remotes   remotes
	main      *upload         // becomes the object; nil before the first part
	segments  map[int]*upload // under hidden keys
	folding   *upload         // a range that is made one part of
	queue     []*cell         // sealed, held back until the file outgrows one PutObject
	streaming bool            // it has
	detours   uint64          // see Detours
	detour    string          // the name that shows what was sent, or may
	leaving   bool            // its name is being deleted: see Leave
	rewrites  bool            // cells were written again after they were covered, or the name is about to go: it will be staged
	random    bool            // written elsewhere than at its end, or expected to be
	late      int64           // bytes that were written farther than disorder behind its end
	sending   int             // cells on their way
	tidying   int             // goroutines that remove what the file left at the store
	staged    []source        // hidden objects that base bytes may come from
	dirty     bool            // there is something to commit
	base      objstore.Info   // the object as last committed, or as opened
	hasBase   bool
	options   objstore.ObjectOptions          // as they shall be; without the base's own while base.Full is false
	changes   []func(*objstore.ObjectOptions) // to be made once the base's own are known
	version   int                             // of the options: counts changes
	stored    int                             // the version that the committed object has
	unlinked  bool
	closed    bool
	err       error // sticky: the first failure
}

// Open begins a file under write. Nothing is sent before there is something to send.
func (u *Uploader) Open(key string, o OpenOptions) *File {
	ctx, cancel := context.WithCancelCause(u.ctx)
	f := &File{
		u: u, ctx: ctx, cancel: cancel, opened: time.Now(),
		changed: make(chan struct{}), key: key, guard: o.Guard, exclusive: o.Exclusive,
		random: o.Random || o.Base != nil, cells: map[int]*cell{}, segments: map[int]*upload{}, options: o.Options, dirty: true,
	}
	if o.Base != nil {
		f.base, f.hasBase, f.dirty = *o.Base, true, false
		f.size = o.Base.Size
		f.options = o.Base.ObjectOptions
		f.remotes = remotes{}.put(remote{span{0, f.size}, source{key: o.Base.Key, etag: o.Base.ETag, size: o.Base.Size}, 0})
	}
	u.mu.Lock()
	if u.draining { // it began after the caller had looked
		f.err = ErrDraining
	}
	u.files[f] = struct{}{}
	u.mu.Unlock()
	return f
}

// Size returns the bytes of the file as its writers see it.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Dirty reports that a Commit has something to do: bytes, a new size, or a new
// file that was never committed.
func (f *File) Dirty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dirty && !f.unlinked
}

// Err returns the first failure of the file; it stays.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// SetOptions changes the properties that the object will have. It does not make
// the file dirty. change runs once, under a lock, possibly not before the
// properties of the base are known.
func (f *File) SetOptions(change func(*objstore.ObjectOptions)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	if f.hasBase && !f.base.Full {
		f.changes = append(f.changes, change)
		return
	}
	f.options = cloneOptions(f.options)
	change(&f.options)
}

// OptionsStored reports that the committed object has every change of
// SetOptions. Where it has not, because the upload had begun before, the
// caller copies the object onto itself and calls Rebase.
func (f *File) OptionsStored() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stored == f.version
}

// Options returns the properties that the next commit gives the object. Those
// of a base are not in it before they were asked for.
func (f *File) Options() objstore.ObjectOptions {
	f.mu.Lock()
	defer f.mu.Unlock()
	return cloneOptions(f.options)
}

// Learn tells the file all about the object that it was opened with, which spares
// asking for it. What is about another object is ignored.
func (f *File) Learn(info objstore.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.learnLocked(info)
}

// learnLocked takes over what the store told of the base.
func (f *File) learnLocked(info objstore.Info) {
	if !info.Full || !f.hasBase || f.base.Full || info.Key != f.base.Key || info.ETag != f.base.ETag {
		return
	}
	f.base = info
	f.adoptLocked(info.ObjectOptions)
}

// adoptLocked takes properties for those of the base, and makes the changes that
// waited for them.
func (f *File) adoptLocked(o objstore.ObjectOptions) {
	f.base.Full = true
	f.options = cloneOptions(o)
	for _, change := range f.changes {
		change(&f.options)
	}
	f.changes = nil
}

func cloneOptions(o objstore.ObjectOptions) objstore.ObjectOptions {
	meta := make(map[string]string, len(o.Metadata)+4)
	for k, v := range o.Metadata {
		meta[k] = v
	}
	o.Metadata = meta
	return o
}

// Guard returns what the next commit expects to find under the file's name. Its
// ETag is that of the object that is there, which changes without a commit when
// the file has to be staged under its name: the object is then put back as a copy.
func (f *File) Guard() objstore.Condition {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guard
}

// Unlink says that the file has no name any more. Commit then has nothing to do
// and succeeds; reading and writing go on.
func (f *File) Unlink() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unlinked = true
	f.stayLocked()
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	if !f.closed && f.main != nil && !f.main.hidden {
		f.u.nameless[f] = struct{}{}
	}
}

// Rebase says that the committed object now lives under another key or has
// another ETag, after the caller copied it with the file's own options.
func (f *File) Rebase(info objstore.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rebaseLocked(info)
}

func (f *File) rebaseLocked(info objstore.Info) {
	old := source{key: f.base.Key, etag: f.base.ETag, size: f.base.Size}
	for i := range f.remotes {
		if f.remotes[i].src == old {
			f.remotes[i].src = source{key: info.Key, etag: info.ETag, size: info.Size}
		}
	}
	f.base, f.hasBase = info, true
	f.key = info.Key
	f.guard = objstore.Condition{ETag: info.ETag}
	if info.Full {
		f.options, f.changes = cloneOptions(info.ObjectOptions), nil
		f.stored = f.version
	}
}

// changedLocked wakes everybody who waits for the file.
func (f *File) changedLocked() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// waitLocked waits, without the mutex, until something changed or ctx ended.
func (f *File) waitLocked(ctx context.Context) error {
	ch := f.changed
	f.mu.Unlock()
	defer f.mu.Lock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usableLocked waits until nobody has the file to himself, and says whether it
// can still be used.
func (f *File) usableLocked(ctx context.Context) error {
	for f.busy && f.err == nil && !f.closed {
		if err := f.waitLocked(ctx); err != nil {
			return err
		}
	}
	switch {
	case f.closed:
		return ErrClosed
	case f.err != nil:
		return f.err
	}
	return nil
}

// take gets the file to itself, with nothing on its way. Only the wait for other
// operations ends with ctx; done gives it back.
func (f *File) take(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(ctx); err != nil {
		return err
	}
	f.busy = true
	for f.sending > 0 {
		_ = f.waitLocked(context.WithoutCancel(f.ctx)) // every request ends
	}
	if f.err != nil {
		f.busy = false
		f.changedLocked()
		return f.err
	}
	return nil
}

func (f *File) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	f.startLocked()
	f.changedLocked()
	f.u.pool.kick() // what was held back may be sent now
}

// cellLocked returns the local state of a cell, beginning it where there is none.
func (f *File) cellLocked(index int) *cell {
	c := f.cells[index]
	if c == nil {
		size := f.u.grid.length(index)
		c = &cell{
			file: f, index: index, start: f.u.grid.start(index), size: size, state: clean,
			pages: make([]page, (size+chunkSize-1)/chunkSize),
		}
		f.cells[index] = c
	}
	return c
}

// Discard gives up what was not committed: its uploads are aborted, and every
// later call on the file returns cause. The object under the name stays as it is.
func (f *File) Discard(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failLocked(cause)
}

// failLocked latches the first failure and ends everything that is under way.
func (f *File) failLocked(err error) {
	if f.err != nil || f.closed {
		f.u.pool.kick() // nothing more is freed
		return
	}
	f.err = err
	f.u.stats.failed.Add(1)
	if f.dirty && !f.unlinked {
		f.u.failed(f.key, err)
	}
	f.cancel(err)
	f.changedLocked()
	f.tidying++
	f.u.wg.Go(f.cleanUp)
}

// cleanUp aborts the uploads of a failed file once nothing of it is on its way,
// so that no part arrives behind the abort, and frees its memory.
func (f *File) cleanUp() {
	f.mu.Lock()
	for f.sending > 0 || f.busy {
		_ = f.waitLocked(context.WithoutCancel(f.ctx))
	}
	ups, staged := f.emptyLocked()
	f.mu.Unlock()
	f.u.pool.kick()
	f.tidy(ups, staged)
}

// tidyLocked removes in the background what the file left at the store.
func (f *File) tidyLocked(ups []*upload, staged []source) {
	if len(ups)+len(staged) > 0 {
		f.tidying++
		f.u.wg.Go(func() { f.tidy(ups, staged) })
	}
}

// tidy ends uploads and removes hidden objects. Close waits for it.
func (f *File) tidy(ups []*upload, staged []source) {
	f.u.abortAll(ups)
	f.u.deleteAll(staged)
	f.mu.Lock()
	f.tidying--
	f.changedLocked()
	f.mu.Unlock()
}

// emptyLocked drops all local state and returns what is left at the store.
func (f *File) emptyLocked() ([]*upload, []source) {
	for _, c := range f.cells {
		c.forget()
		c.state = clean
		f.u.age(c)
	}
	clear(f.cells)
	f.queue = nil
	var ups []*upload
	for _, up := range []*upload{f.main, f.folding} {
		if up != nil {
			ups = append(ups, up)
		}
	}
	for _, up := range f.segments {
		ups = append(ups, up)
	}
	staged := f.staged
	f.main, f.folding, f.segments, f.staged = nil, nil, map[int]*upload{}, nil
	f.changedLocked()
	return ups, staged
}

// Close ends the file at its last release. What was not committed is given up.
// It waits for requests under way and returns the file's sticky error.
func (f *File) Close(ctx context.Context) error {
	f.mu.Lock()
	for f.busy || f.sending > 0 || f.tidying > 0 {
		if err := f.waitLocked(ctx); err != nil {
			f.mu.Unlock()
			return fmt.Errorf("close %q: %w", f.key, err)
		}
	}
	if f.closed {
		f.mu.Unlock()
		return ErrClosed
	}
	f.closed = true
	err := f.err
	ups, staged := f.emptyLocked()
	f.mu.Unlock()
	f.u.abortAll(ups)
	f.u.deleteAll(staged)
	f.cancel(ErrClosed)

	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	delete(f.u.files, f)
	delete(f.u.nameless, f)
	delete(f.u.parked, f)
	close(f.u.closed)
	f.u.closed = make(chan struct{})
	return err
}
