package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/probe"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// doctorTime bounds the questions to a store: some dozens of requests, and as many
// bytes as three of its smallest parts.
const doctorTime = 10 * time.Minute

// doctorOptions are the flags of sluicefs doctor: those of mount, so that a mount's
// configuration can be tried, and a few of its own.
type doctorOptions struct {
	mount        mountOptions
	json         bool
	printProfile bool
}

// addFlags adds the flags. Those of mount that say nothing of the store are taken, and
// not shown.
func (o *doctorOptions) addFlags(cmd *cobra.Command, root bool) {
	addGroup(cmd, "Flags", func(f *pflag.FlagSet) {
		f.BoolVar(&o.json, "json", false, "print the report as JSON")
		f.BoolVar(&o.printProfile, "print-profile", false, "ask nothing, and print what is known of this kind of store, for --provider-option @FILE")
	})
	o.mount.addFlags(cmd, root)
	shown := map[string]bool{"json": true, "print-profile": true, "config": true}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		group := f.Annotations[groupTitle]
		ofStore := len(group) > 0 && group[0] == storeGroup && f.Name != "retry-for"
		f.Hidden = !shown[f.Name] && !ofStore
	})
}

func (p *program) doctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [flags] BUCKET[/PREFIX]",
		Short: "Find out by trying what a store can do, and whether it is safe to mount",
		Long: `Try on scratch keys what a mount would do, and look what came of it: digests that
are wrong, files that two make at once, parts of all shapes, copies at the server,
unfinished uploads. Print what works, which permissions are missing, and how the
profile of the store should be corrected. What was made is removed.`,
		Example: `  sluicefs doctor --endpoint http://127.0.0.1:9000 my-bucket
  sluicefs doctor --json my-bucket/some/prefix
  sluicefs doctor --print-profile --provider oss > my-store`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.printProfile && len(args) == 0 {
				return nil
			}
			return exactly("BUCKET")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fillIn(cmd.Flags(), o.mount.options, &o.mount.config); err != nil {
				return usageError(err)
			}
			if o.printProfile {
				return p.printProfile(cmd.Context(), &o, args)
			}
			return p.doctor(cmd.Context(), &o, args[0])
		},
		Annotations: map[string]string{
			"Environment": "  As for mount, whose other flags are taken too: a file for --config serves both.",
			"Exit status": `  0  safe to mount with these flags
  1  the store could not be asked, for the reason printed
  2  the command line is wrong
  5  not safe to mount with these flags`,
		},
	}
	o.addFlags(cmd, p.host.root)
	return cmd
}

// prepare finds mistakes that can be found without asking the store.
func (o *doctorOptions) prepare(bucket string) error {
	var err error
	if bucket != "" {
		if o.mount.where, err = parseLocation(bucket); err != nil {
			return usageError(err)
		}
	}
	if o.mount.store.endpoint == "" {
		o.mount.store.endpoint = environmentEndpoint()
	}
	if err := o.mount.check(); err != nil {
		return usageError(err)
	}
	return nil
}

// printProfile prints the profile that a mount with these flags would use. Without a
// bucket there is nobody to ask: it has to follow from the flags.
func (p *program) printProfile(ctx context.Context, o *doctorOptions, args []string) error {
	bucket := strings.Join(args, "")
	if err := o.prepare(bucket); err != nil {
		return err
	}
	if bucket == "" && !o.mount.store.provided() {
		return usageError(fmt.Errorf("nothing tells what kind of store it is: give its --provider, or a BUCKET to ask"))
	}
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	cfg, err := o.mount.storeConfig(ctx)
	if err != nil {
		return o.mount.explain(err, p.patience)
	}
	if err := cfg.Profile.Print(p.stdout); err != nil {
		return fmt.Errorf("print the profile: %w", err)
	}
	return nil
}

// doctor probes a bucket and prints the report.
func (p *program) doctor(ctx context.Context, o *doctorOptions, bucket string) error {
	if err := o.prepare(bucket); err != nil {
		return err
	}
	// The first ^C ends the questions, and what was made is removed.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := o.examine(ctx, p.patience)
	switch {
	case err != nil && ctx.Err() != nil:
		return interruptedDoctor(report)
	case err != nil:
		return err
	}
	if o.json {
		err = printReportJSON(p.stdout, o, report)
	} else {
		err = printReport(p.stdout, o, report)
	}
	if err == nil && !report.Safe {
		err = &exitError{status: exitUnsafe}
	}
	return err
}

// examine probes a bucket, whose store has some time for its first answer. There may be
// a report beside an error.
func (o *doctorOptions) examine(ctx context.Context, patience time.Duration) (*probe.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	first, done := context.WithTimeout(ctx, patience)
	defer done()
	cfg, err := o.mount.storeConfig(first)
	if err != nil {
		return nil, o.mount.explain(err, patience)
	}
	client, err := s3.New(first, cfg)
	if err != nil {
		return nil, o.mount.explain(err, patience)
	}
	defer client.Close()
	if err := checkBucketAt(first, o.mount.where, client, client); err != nil {
		return nil, o.mount.explain(err, patience)
	}
	report, err := probe.Run(ctx, probe.Config{
		Profile: cfg.Profile, Prefix: o.mount.where.prefix,
		Open: func(profile objstore.Profile) (probe.Target, error) {
			variant := cfg
			variant.Profile = profile
			return s3.New(ctx, variant)
		},
	})
	if err != nil {
		return report, o.mount.explain(err, doctorTime)
	}
	return report, nil
}

// interruptedDoctor says what is left of questions that were not all asked.
func interruptedDoctor(r *probe.Report) error {
	switch {
	case r == nil:
		return errors.New("interrupted before anything was made")
	case len(r.Left) == 0:
		return errors.New("interrupted; what was made is removed")
	}
	return fmt.Errorf("interrupted; could not be removed: %q", r.Left)
}

func printReportJSON(w io.Writer, o *doctorOptions, r *probe.Report) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		Bucket   string `json:"bucket"`
		Endpoint string `json:"endpoint"`
		*probe.Report
	}{o.mount.where.String(), o.mount.store.place(), r})
}

// printReport writes the report for people.
func printReport(w io.Writer, o *doctorOptions, r *probe.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s, taken for %s\n\n", o.mount.where, o.mount.store.place(), r.Provider)
	for _, c := range r.Checks {
		line := fmt.Sprintf("%-8s %-19s %s", c.Verdict, c.Name, c.Detail)
		if c.Option != "" {
			line += " [" + c.Option + "]"
		}
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	list := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s\n", title, strings.Join(lines, "\n  "))
		}
	}
	list("Missing permissions", r.Missing)
	broken := willNotWork(r)
	list("Will not work", broken)
	list("Advice", r.Advice)
	list("Could not be removed", r.Left)
	if len(r.Options) > 0 {
		list("What fits this store better", []string{"--provider " + r.Provider + " --provider-option " + strings.Join(r.Options, ",")})
	}
	switch {
	case !r.Safe:
		b.WriteString("\nNOT safe to mount with these flags: see what is marked unsafe.\n")
	case len(broken) > 0:
		b.WriteString("\nSafe to mount with these flags, but not all of it will work: see above.\n")
	default:
		b.WriteString("\nSafe to mount with these flags.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// willNotWork lists what a mount is not permitted to do, though it is safe without.
func willNotWork(r *probe.Report) (lines []string) {
	for _, c := range r.Checks {
		if c.Verdict == probe.Warning && c.Permission != "" {
			lines = append(lines, fmt.Sprintf("%s: %s (for want of %s)", c.Name, c.Detail, c.Permission))
		}
	}
	return lines
}
