package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/internal/mounttable"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// FileSystem is one mounted bucket.
type FileSystem struct {
	cfg   Config
	log   *logrus.Entry
	procs processes
	root  *dirNode

	// ctx is the life of everything that no request waits for. It ends when the
	// last file was closed after the unmount.
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup

	server *fuse.Server
	mount  atomic.Pointer[mounttable.Entry] // nil where it is not known
	served chan struct{}                    // closed when the kernel has let go and all is stored or given up

	nodes   tree
	pending pendingQueue
	open    openFiles
	parked  parkedFiles
	hidden  hiddenCopies
	ahead   statAhead

	watching watching

	departures departures
	comebacks  comebacks
}

// Mount shows the bucket at the mountpoint and returns when the kernel answers.
// Only an unmount ends the mount: of ctx it takes the values, not the end.
func Mount(ctx context.Context, mountpoint string, cfg Config) (*FileSystem, error) {
	path, err := mounttable.Resolve(mountpoint)
	if err != nil {
		return nil, err
	}
	f, err := newFileSystem(ctx, cfg)
	if err != nil {
		return nil, err
	}
	options := mountOptions(&f.cfg)
	options.Logger = log.New(io.Discard, "", 0)
	options.MountOptions.Logger = log.New(fuseLog{f.log}, "", 0)
	options.RootStableAttr = &gofuse.StableAttr{Ino: rootNumber}
	raw := &graced{RawFileSystem: gofuse.NewNodeFS(f.root, options), grace: &f.nodes.grace}
	f.server, err = fuse.NewServer(raw, mountpoint, &options.MountOptions)
	if err != nil {
		f.cancel()
		return nil, fmt.Errorf("mount %s: %w", mountpoint, err)
	}
	f.background.Go(f.pending.run)
	f.background.Go(f.departures.run)
	go f.serve()
	if err := f.server.WaitMount(); err != nil {
		return nil, fmt.Errorf("mount %s: %w", mountpoint, err)
	}
	if m, ok, err := mounttable.At(path); err == nil && ok {
		f.mount.Store(&m)
	}
	if err := raiseReadAhead(mountpoint, f.cfg.RequestSize); err != nil {
		f.log.WithError(err).Debug("reading ahead as the kernel does by default")
	}
	return f, nil
}

// newFileSystem returns a file system that nobody asks anything yet.
func newFileSystem(ctx context.Context, cfg Config) (*FileSystem, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &FileSystem{
		cfg: cfg, log: cfg.Log,
		served: make(chan struct{}),
		nodes:  tree{numbers: map[uint64]struct{}{}},
	}
	f.procs = newProcesses(&f.background)
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.cfg.Store = &patientStore{cfg.Store, &patient.Patience{Answer: patient.Answer, Hurry: f.ctx}}
	if cfg.Store.Profile().KeepsTime {
		cfg.Cache.KeepsTime()
	}
	f.watching.init(f, f.abandoned)
	f.pending.init(f)
	f.departures.init(f)
	f.root = newRoot(f)
	return f, nil
}

// serve answers the kernel until the mount is gone, and settles what is left.
// Wait waits for it.
func (f *FileSystem) serve() {
	defer close(f.served)
	f.server.Serve()
	f.open.settle(f.ctx, f.givenUp())
	f.hidden.settle(f.ctx)
	f.pending.drain(f.ctx)
	f.departures.drain(f.ctx)
	f.cancel()
	f.background.Wait()
}

// Wait returns when the mount is gone and every change was stored or given up.
func (f *FileSystem) Wait() { <-f.served }

// abandoned reports that nobody can use the mount any more: the kernel does not know its
// root. go-fuse ends only when all requests were answered, also those that it was told
// then to cancel.
func (f *FileSystem) abandoned() bool {
	return f.server.InodeNotify(fuse.FUSE_ROOT_ID, -1, 0) == fuse.ENOENT
}

// givenUp reports that the kernel asks nothing any more and has the mount in its table still:
// nobody has unmounted it, which needs all files to be closed, but somebody has ended the
// connection (umount -f).
func (f *FileSystem) givenUp() bool {
	was := f.mount.Load()
	if was == nil {
		return false
	}
	m, ok, err := mounttable.At(was.Path)
	return err == nil && ok && m == *was
}

// Unmount takes the mount away and waits as Wait does. It fails where the mount
// is in use.
func (f *FileSystem) Unmount() error {
	if err := f.server.Unmount(); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	f.Wait()
	return nil
}

// Sync stores every metadata change that is waiting for company, what waits for its
// last name, and deletes what was unlinked.
func (f *FileSystem) Sync(ctx context.Context) error {
	return errors.Join(f.parked.land(ctx, nil), f.pending.flush(ctx), f.departures.flush(ctx))
}
