package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/integration/scratch"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

const bucket = "demo"

// strikeTime is how long unmounting may take while everything is taken down.
const strikeTime = 30 * time.Second

// stage is what the demo plays on: a store with an empty bucket, and a place to
// mount it.
type stage struct {
	server *s3server.Process
	store  *s3.Client
	bucket string
	source string          // GOROOT/src
	folder *scratch.Folder // of the mountpoint and of the mount's state; the store has its own
	mount  *mount
}

// leftError says what could not be cleaned up.
type leftError struct{ err error }

func (e *leftError) Error() string { return "not everything could be cleaned up: " + e.err.Error() }
func (e *leftError) Unwrap() error { return e.err }

// newStage sets everything up, or nothing.
func newStage(ctx context.Context, cfg config) (st *stage, err error) {
	st = &stage{bucket: bucket}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.strike(context.WithoutCancel(ctx)))
		}
	}()
	if st.source, err = goSources(ctx); err != nil {
		return st, err
	}
	if st.server, err = s3server.Start(ctx, s3server.KindVersityGW, ""); err != nil {
		return st, fmt.Errorf("start the store in %s (it keeps extended attributes there; another file system can be chosen by TMPDIR): %w",
			os.TempDir(), brief(err))
	}
	if err = st.makeBucket(ctx); err != nil {
		return st, err
	}
	if st.folder, err = scratch.New("sluicefs-demo-"); err != nil {
		return st, fmt.Errorf("make a folder for the mount: %w", err)
	}
	st.mount, err = newMount(cfg.program, st.folder.Path, st.server.Server, st.bucket)
	return st, err
}

// goSources returns the folder of the Go toolchain's sources, which is on every
// machine that could build this program.
func goSources(ctx context.Context) (string, error) {
	out, err := command(ctx, os.Environ(), "go", "env", "GOROOT").output()
	if err != nil {
		return "", err
	}
	// Distributions have a symbolic link there, which cp -r would copy as one.
	src, err := filepath.EvalSymlinks(filepath.Join(strings.TrimSpace(out), "src"))
	if err != nil {
		return "", fmt.Errorf("find the sources of Go: %w", err)
	}
	return src, nil
}

// makeBucket makes the bucket and the client by which it is looked at past the mount.
func (st *stage) makeBucket(ctx context.Context) error {
	profile, ok := objstore.ProfileByName("versitygw")
	if !ok {
		return errors.New("there is no profile of versitygw")
	}
	var err error
	st.store, err = s3.New(ctx, s3.Config{
		Endpoint: st.server.Endpoint, Region: st.server.Region, Bucket: st.bucket, Profile: profile,
		Credentials: s3.Credentials{AccessKey: st.server.AccessKey, SecretKey: st.server.SecretKey},
	})
	if err != nil {
		return err
	}
	return st.store.CreateBucket(ctx)
}

// strike takes down what there is. The store goes last: a mount without one
// could not end in order.
func (st *stage) strike(ctx context.Context) error {
	var errs []error
	if st.mount != nil {
		errs = append(errs, st.mount.strike(ctx))
	}
	if st.folder != nil {
		errs = append(errs, st.removeFolder())
	}
	if st.store != nil {
		st.store.Close()
	}
	if st.server != nil {
		errs = append(errs, st.server.Stop())
	}
	if err := errors.Join(errs...); err != nil {
		return &leftError{brief(err)}
	}
	return nil
}

// removeFolder begins with the mountpoint, which cannot be removed while
// something is mounted there: the rest would be removed through the mount.
func (st *stage) removeFolder() error {
	if st.mount != nil {
		if err := os.Remove(st.mount.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return st.folder.Remove()
}
