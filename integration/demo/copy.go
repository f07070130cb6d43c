package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"
)

// copyTree copies folders with cp -r.
func (d *demo) copyTree(ctx context.Context) error { return d.copyWith(ctx, d.copied, "cp", "-r") }

// syncTree copies other folders with rsync -a, which makes each file under a
// temporary name, sets its times and mode, and renames it.
func (d *demo) syncTree(ctx context.Context) error {
	if !d.rsync {
		d.say("skipped: rsync -a (rsync is missing: make deps installs it)")
		d.table.add(row{what: "rsync -a", note: "SKIPPED: rsync is missing; make deps installs it"})
		return nil
	}
	return d.copyWith(ctx, d.synced, "rsync", "-a")
}

// copyWith copies folders below GOROOT/src into the mount and notes what ought
// to be there then.
func (d *demo) copyWith(ctx context.Context, folders []string, name, flag string) error {
	source := newTree()
	args := []string{flag}
	for _, folder := range folders {
		if err := source.addFolder(d.source, folder); err != nil {
			return err
		}
		args = append(args, filepath.Join(d.source, folder))
	}
	args = append(args, d.mount.dir+"/")
	d.say("$ %s %s", name, strings.Join(args, " "))
	began := time.Now()
	if _, err := command(ctx, d.mount.env, name, args...).output(); err != nil {
		return err
	}
	d.table.add(row{
		what:  name + " " + flag + " " + strings.Join(folders, " "),
		files: len(source.files), bytes: source.bytes, took: time.Since(began),
	})
	d.want.merge(source)
	return nil
}
