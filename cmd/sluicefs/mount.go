package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) mountCommand() *cobra.Command {
	var o mountOptions
	cmd := &cobra.Command{
		Use:   "mount [flags] BUCKET[/PREFIX] MOUNTPOINT",
		Short: "Mount a bucket as a directory",
		Long: `Mount a bucket, or what is below a prefix of it, as a directory. The command
returns when the mount answers; a process in the background goes on serving it
until sluicefs umount, umount(8), SIGTERM or SIGINT.

What is written leaves as a multipart upload while it is being written; close()
completes the upload and tells the program whether everything is stored.

Credentials are those of the AWS tools: environment, config files, SSO, web
identity, instance roles. They are never taken from flags.`,
		Example: `  sluicefs mount my-bucket /mnt/data                                     # AWS
  sluicefs mount --endpoint http://127.0.0.1:9000 s3://my-bucket/photos /mnt/photos
  sluicefs mount -o ro,allow_other,memory=1GiB my-bucket /mnt/data

  # /etc/fstab, with a link /sbin/mount.sluicefs to this program:
  my-bucket  /mnt/data  sluicefs  _netdev,nofail,allow_other,endpoint=http://127.0.0.1:9000  0 0`,
		Args: exactly("BUCKET", "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fillIn(cmd.Flags(), o.options, &o.config); err != nil {
				return usageError(err)
			}
			return p.mount(cmd.Context(), &o, args[0], args[1])
		},
		Annotations: map[string]string{
			"Environment": `  SLUICEFS_NAME is --name: SLUICEFS_PART_SIZE=16MiB is --part-size 16MiB. A flag wins over -o, -o over
  the environment, the environment over --config. AWS_* variables are those of the AWS tools.`,
			"Exit status": `  0  mounted; with --foreground: unmounted, and everything is stored
  1  nothing is mounted, for the reason printed
  2  the command line is wrong
  3  with --foreground: unmounted, but not everything is stored; the files are printed`,
		},
	}
	o.addFlags(cmd, p.host.root)
	return cmd
}

// mount checks everything that can be checked on this machine, and then serves,
// here or in a daemon.
func (p *program) mount(ctx context.Context, o *mountOptions, bucket, mountpoint string) error {
	up := findParent()
	if err := p.prepare(ctx, o, bucket, mountpoint); err != nil {
		return up.failed(err)
	}
	if up == nil && !o.foreground {
		return p.startDaemon(ctx)
	}
	return p.serve(ctx, o, up)
}

// prepare finds mistakes that can be found without asking the store.
func (p *program) prepare(ctx context.Context, o *mountOptions, bucket, mountpoint string) error {
	var err error
	if o.where, err = parseLocation(bucket); err != nil {
		return usageError(err)
	}
	o.source = bucket
	if o.store.endpoint == "" {
		o.store.endpoint = environmentEndpoint()
	}
	if err := o.check(); err != nil {
		return usageError(err)
	}
	if mountpoint == "" {
		return usageError(fmt.Errorf("the mountpoint is empty"))
	}
	if o.mountpoint, err = resolve(ctx, mountpoint); err != nil {
		return err
	}
	if err := o.absolutePaths(); err != nil {
		return err
	}
	if err := o.checkOutside(); err != nil {
		return usageError(err)
	}
	if err := checkMountpoint(ctx, o.mountpoint, o.stateDir, p.host.root); err != nil {
		return err
	}
	return p.host.check(o.tree.allowOther)
}
