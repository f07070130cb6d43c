package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// statusOptions are the flags of sluicefs status.
type statusOptions struct {
	json     bool
	watch    bool
	stateDir string
	given    bool // the state directory was: there has to be one
}

func (o *statusOptions) addFlags(cmd *cobra.Command, root bool) {
	addGroup(cmd, "Flags", func(f *pflag.FlagSet) {
		f.BoolVar(&o.json, "json", false, "print JSON: a list of mounts, and with --watch one list a line")
		f.BoolVar(&o.watch, "watch", false, "look again every second, until interrupted")
		f.StringVar(&o.stateDir, "state-dir", defaultStateDir(root), "the mounts were given this `DIR` as their --state-dir")
	})
}

func (p *program) statusCommand() *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [flags] [MOUNTPOINT]",
		Short: "Show what a mount is doing, or all mounts",
		Long: `Show which files are being written and how much of them is sent, how much went
back and forth, how often requests were repeated, and which files are not stored.
Without a mountpoint it is shown for all mounts of the same user and --state-dir.`,
		Example: `  sluicefs status
  sluicefs status --watch /mnt/data
  sluicefs status --json /mnt/data | jq '.[0].totals'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("MOUNTPOINT")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			none := ""
			if err := fillIn(cmd.Flags(), nil, &none); err != nil {
				return usageError(err)
			}
			o.given = cmd.Flags().Changed("state-dir")
			return p.status(cmd.Context(), o, args)
		},
		Annotations: map[string]string{
			"Environment": "  SLUICEFS_NAME is --name: SLUICEFS_STATE_DIR=/x is --state-dir /x",
			"Exit status": `  0  shown
  1  nothing is mounted there, or a daemon does not answer or has ended
  2  the command line is wrong`,
		},
	}
	o.addFlags(cmd, p.host.root)
	return cmd
}

// status shows mounts, once or again and again.
func (p *program) status(ctx context.Context, o statusOptions, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		mounts, err := o.ask(ctx, args)
		if ctx.Err() != nil {
			return nil
		}
		if len(mounts) > 0 || err == nil {
			if lost := p.show(o, mounts); lost != nil {
				return lost
			}
		}
		if !o.watch || err != nil && len(mounts) == 0 {
			return err
		}
		if err != nil { // one that is in trouble does not hide the others
			p.say(err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// show prints what was found.
func (p *program) show(o statusOptions, mounts []status) error {
	if o.json {
		out := json.NewEncoder(p.stdout)
		out.SetEscapeHTML(false)
		if !o.watch {
			out.SetIndent("", "  ")
		}
		return out.Encode(mounts)
	}
	if o.watch && isTerminal(p.stdout) {
		fmt.Fprint(p.stdout, "\x1b[H\x1b[2J") // clear, and go to the top
	}
	if len(mounts) == 0 {
		_, err := fmt.Fprintf(p.stdout, "nothing is mounted with the state directory %s\n", o.stateDir)
		return err
	}
	for _, s := range mounts {
		if err := s.print(p.stdout); err != nil {
			return err
		}
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
