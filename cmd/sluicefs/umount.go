package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// umountOptions are the flags of sluicefs umount.
type umountOptions struct {
	timeout  time.Duration
	stateDir string
}

func (o *umountOptions) addFlags(cmd *cobra.Command, root bool) {
	addGroup(cmd, "Flags", func(f *pflag.FlagSet) {
		f.DurationVar(&o.timeout, "timeout", 0, "how long to wait until everything is stored (0: for ever)")
		f.StringVar(&o.stateDir, "state-dir", defaultStateDir(root), "the mount was given this `DIR` as its --state-dir")
	})
}

func (p *program) umountCommand() *cobra.Command {
	var o umountOptions
	cmd := &cobra.Command{
		Use:   "umount [flags] MOUNTPOINT",
		Short: "Unmount a bucket, and wait until everything is stored",
		Long: `Unmount a bucket, wait until everything that was written is stored, and tell
whether it is. Files that are not stored are printed as JSON. Of a mount that has
ended already, the same is told again.`,
		Example: `  sluicefs umount /mnt/data
  sluicefs umount --timeout 5m /mnt/data || echo "not everything is stored"`,
		Args: exactly("MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			none := ""
			if err := fillIn(cmd.Flags(), nil, &none); err != nil {
				return usageError(err)
			}
			if o.timeout < 0 {
				return usageError(fmt.Errorf("--timeout %s: want a time that is not negative", o.timeout))
			}
			return p.umount(cmd.Context(), o, args[0])
		},
		Annotations: map[string]string{
			"Environment": "  SLUICEFS_NAME is --name: SLUICEFS_TIMEOUT=5m is --timeout 5m",
			"Exit status": `  0  unmounted, and everything is stored
  1  not unmounted: files are open, or nothing is mounted there, or something else is
  2  the command line is wrong
  3  unmounted, but not everything is stored; the files are printed
  4  unmounted, but --timeout was over before everything was stored: the daemon goes on`,
		},
	}
	o.addFlags(cmd, p.host.root)
	return cmd
}

func (p *program) umount(ctx context.Context, o umountOptions, path string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	path, err := resolve(ctx, path)
	if err != nil {
		return err
	}
	r, err := openRecord(o.stateDir, path)
	if err != nil {
		return err
	}
	alive := r != nil && r.alive() // before the table is read: a daemon unmounts first and ends then
	stack, err := mounttable.Stack(path)
	if err != nil {
		return err
	}
	if len(stack) > 0 {
		if err := r.checkTop(ctx, stack, path, o.stateDir, alive); err != nil {
			return err
		}
		if err := p.takeOff(ctx, path, r, !alive); err != nil {
			return err
		}
	} else if !alive {
		return p.tellAgain(path, r)
	}
	return p.awaitVerdict(ctx, o, path, r)
}

// checkTop refuses to unmount what is not the mount of the record, which may be nil:
// somebody may have mounted something else above it, or in its place.
func (r *record) checkTop(ctx context.Context, stack []mounttable.Entry, path, stateDir string, alive bool) error {
	top, covered := stack[len(stack)-1], stack[:len(stack)-1]
	switch {
	case r.owns(top) && (alive || !connected(ctx, path)):
		return nil
	case slices.ContainsFunc(covered, r.owns):
		return fmt.Errorf("another mount, of type %s, lies on that on %s: unmount it first", top.Kind, path)
	case top.Kind != fuseType:
		return fmt.Errorf("%s is a mount of type %s, not one of sluicefs", path, top.Kind)
	}
	return fmt.Errorf("nothing is known of the mount on %s in %s: give the --state-dir it was mounted with, as the user who mounted it", path, stateDir)
}

// takeOff unmounts the mount of the record, lazily where it has no daemon, and thus
// nobody to wait for.
func (p *program) takeOff(ctx context.Context, path string, r *record, lazily bool) error {
	_, err := within(ctx, func() (none struct{}, err error) { return none, p.host.unmount(ctx, path, lazily) })
	stack, lost := mounttable.Stack(path)
	switch still := slices.ContainsFunc(stack, r.owns); {
	case lost != nil:
		return lost
	case !still: // perhaps as the daemon was faster than we
		return nil
	case err == nil:
		return fmt.Errorf("%s is still mounted: what lay above it was unmounted; try again", path)
	case ctx.Err() != nil:
		return fmt.Errorf("%s is still mounted: %w", path, endOf(ctx))
	}
	return explainBusy(path, err)
}

// tellAgain repeats what the last unmount told, for those who did not wait for it.
func (p *program) tellAgain(path string, r *record) error {
	if r == nil {
		return notMounted(path, nil)
	}
	v, ok, err := r.verdict()
	if err != nil {
		return err
	}
	if !ok {
		return notMounted(path, r)
	}
	return p.tell(v)
}

// tell says what became of the files.
func (p *program) tell(v verdict) error { return errors.Join(v.print(p.stdout), v.err()) }

// notMounted says what became of the last mount at a place, if there was one.
func notMounted(path string, r *record) error {
	err := fmt.Errorf("nothing is mounted on %s", path)
	if r == nil {
		return err
	}
	v, ok, _ := r.verdict()
	switch ended := v.Ended.Local().Format(time.DateTime); {
	case ok && v.Stored:
		return fmt.Errorf("%w; the last mount there ended at %s, and everything was stored", err, ended)
	case ok:
		return fmt.Errorf("%w; the last mount there ended at %s, and not everything was stored: see %s", err, ended, filepath.Join(r.dir, verdictFile))
	}
	return err
}

// awaitVerdict waits for the end of the daemon and tells what it left.
func (p *program) awaitVerdict(ctx context.Context, o umountOptions, path string, r *record) error {
	switch err := r.wait(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{status: exitTimeout, err: fmt.Errorf(
			"%s is unmounted, but after %s not everything is stored yet: the daemon goes on; wait for it with sluicefs umount %s", path, o.timeout, path)}
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted: %s is unmounted, and the daemon goes on storing; wait for it with sluicefs umount %s", path, path)
	case err != nil:
		return err
	}
	v, ok, err := r.verdict()
	if err != nil {
		return err
	}
	if !ok {
		return &exitError{status: exitNotStored, err: fmt.Errorf(
			"%s is unmounted, but its daemon had ended without a word: files that were being written are not stored", path)}
	}
	return p.tell(v)
}
