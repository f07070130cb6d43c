package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// statusOptions are the flags of sluicefs status.
type statusOptions struct {
	json     bool
	watch    bool
	stateDir string
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
			return p.status(cmd.Context(), o, args)
		},
		Annotations: map[string]string{
			"Environment": "  SLUICEFS_NAME is --name: SLUICEFS_STATE_DIR=/x is --state-dir /x",
			"Exit status": `  0  shown
  1  nothing is mounted there, or the daemon does not answer
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
		if err != nil {
			return err
		}
		if err := p.show(o, mounts); err != nil || !o.watch {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// ask asks the daemon of a mountpoint, or of all.
func (o *statusOptions) ask(ctx context.Context, args []string) ([]status, error) {
	if len(args) == 1 {
		path, err := mounttable.Resolve(args[0])
		if err != nil {
			return nil, err
		}
		r, err := openRecord(o.stateDir, path)
		if err != nil {
			return nil, err
		}
		if r == nil || !r.alive() {
			return nil, notMounted(path, r)
		}
		s, err := r.ask(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask the daemon of %s: %w", path, err)
		}
		return []status{s}, nil
	}
	mounts := []status{}
	records, err := filepath.Glob(filepath.Join(o.stateDir, "mounts", "*", infoFile))
	if err != nil {
		return nil, fmt.Errorf("look for mounts: %w", err)
	}
	for _, path := range records {
		r := &record{dir: filepath.Dir(path)}
		if !r.alive() {
			continue
		}
		s, err := r.ask(ctx)
		if err != nil && r.alive() { // else it ended meanwhile
			return nil, fmt.Errorf("ask the daemon of %s: %w", path, err)
		}
		if err == nil {
			mounts = append(mounts, s)
		}
	}
	slices.SortFunc(mounts, func(a, b status) int { return a.Since.Compare(b.Since) })
	return mounts, nil
}

// ask asks the daemon of a record what it is doing.
func (r *record) ask(ctx context.Context) (s status, err error) {
	dir, path, err := socketPath(r.dir)
	if err != nil {
		return s, err
	}
	defer dir.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://mount/status", nil)
	if err != nil {
		return s, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, errors.New(resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
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
