package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
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
whether it is. Files that are not stored are printed as JSON.`,
		Example: `  sluicefs umount /mnt/data
  sluicefs umount --timeout 5m /mnt/data || echo "not everything is stored"`,
		Args: exactly("MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			none := ""
			if err := fillIn(cmd.Flags(), nil, &none); err != nil {
				return usageError(err)
			}
			return p.umount(cmd.Context(), o, args[0])
		},
		Annotations: map[string]string{
			"Environment": "  SLUICEFS_NAME is --name: SLUICEFS_TIMEOUT=5m is --timeout 5m",
			"Exit status": `  0  unmounted, and everything is stored
  1  not unmounted: files are open, or nothing is mounted there
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
	path, err := mounttable.Resolve(path)
	if err != nil {
		return err
	}
	r, err := openRecord(o.stateDir, path)
	if err != nil {
		return err
	}
	alive := r != nil && r.alive() // before the table is read: a daemon unmounts first and ends then
	m, mounted, err := mounttable.At(path)
	switch {
	case err != nil:
		return err
	case mounted && m.Kind != fuseType && !alive:
		return fmt.Errorf("%s is a mount of type %s, not one of sluicefs", path, m.Kind)
	case mounted && r == nil:
		return fmt.Errorf("nothing is known of the mount on %s in %s: give the --state-dir it was mounted with, as the user who mounted it", path, o.stateDir)
	case !mounted && !alive:
		return notMounted(path, r)
	}
	if mounted {
		// A mount without a daemon has nobody to wait for.
		err := p.host.unmount(ctx, path, !alive)
		if _, still, _ := mounttable.At(path); err != nil && still { // else the daemon was faster
			return explainBusy(path, err)
		}
	}
	return p.awaitVerdict(ctx, o, path, r)
}

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
	patience, cancel := ctx, context.CancelFunc(func() {})
	if o.timeout > 0 {
		patience, cancel = context.WithTimeout(ctx, o.timeout)
	}
	defer cancel()
	switch err := r.wait(patience); {
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
	return errors.Join(v.print(p.stdout), v.err())
}
