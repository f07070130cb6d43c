package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// config says what is shown, and how much of it.
type config struct {
	out     io.Writer // gets the story and the table
	program string    // path of sluicefs
	copied  []string  // folders below GOROOT/src that cp -r copies
	synced  []string  // others, that rsync -a copies
	stream  int64     // bytes through the pipe
}

// demo is one run.
type demo struct {
	config
	*stage
	rsync bool // is on this machine

	want  tree // what was written into the mount
	table table
}

// run shows everything and cleans up, whatever happens. The error has a line for
// each thing that is wrong.
func run(ctx context.Context, cfg config, h host) (err error) {
	if err := h.check(cfg); err != nil {
		return err
	}
	st, err := newStage(ctx, cfg)
	if err != nil {
		return err
	}
	d := &demo{config: cfg, stage: st, rsync: h.has("rsync"), want: newTree()}
	d.say("a store: versitygw at %s, with the bucket %q", st.server.Endpoint, st.bucket)
	if err = d.show(ctx); err != nil && ctx.Err() == nil {
		err = errors.Join(err, d.mount.lastWords())
	}
	// ctx may be over; what there is to clean up has limits of its own.
	err = errors.Join(err, st.strike(context.WithoutCancel(ctx)))
	if err == nil {
		d.table.print(cfg.out)
		d.say("everything arrived, nothing was left behind, and all of it is removed again")
	}
	return err
}

// show is the demo: each step adds to the table.
func (d *demo) show(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.mountBucket, d.copyTree, d.syncTree, d.streamPipe, d.unmountStored,
		d.compareStore, d.mountBucket, d.compareMount, d.unmountAgain, d.checkLeft,
	} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
	return nil
}

func (d *demo) mountBucket(ctx context.Context) error {
	d.say("$ %s", d.mount.commandLine())
	return d.mount.attach(ctx)
}

// unmountStored ends the mount that was written to: it succeeds only if
// everything is stored.
func (d *demo) unmountStored(ctx context.Context) error {
	began := time.Now()
	d.say("$ sluicefs umount %s", d.mount.dir)
	if err := d.mount.detach(ctx, 0); err != nil {
		return err
	}
	d.table.add(row{what: "sluicefs umount", took: time.Since(began), note: "says that everything is stored"})
	return nil
}

func (d *demo) unmountAgain(ctx context.Context) error {
	d.say("$ sluicefs umount %s", d.mount.dir)
	return d.mount.detach(ctx, 0)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, format+"\n", args...)
}
