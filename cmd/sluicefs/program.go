package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// program is one call of sluicefs: what the commands need of their surroundings.
type program struct {
	argv   []string // as it was called, with the name in front
	stdout io.Writer
	stderr io.Writer
	host   host

	patience time.Duration // with the store's first answer
}

// run carries out the command line argv, whose first element is the name the
// program was called by, and returns the exit status.
func run(ctx context.Context, argv []string, stdout, stderr io.Writer) int {
	p := &program{argv: argv, stdout: stdout, stderr: stderr, host: thisHost(), patience: firstAnswer}
	return p.run(ctx)
}

func (p *program) run(ctx context.Context) int {
	err := p.execute(ctx)
	if err != nil && err.Error() != "" {
		p.say(err)
	}
	return statusOf(err)
}

// say prints an error in one line, also where a cause underneath has several.
func (p *program) say(err error) {
	fmt.Fprintf(p.stderr, "sluicefs: %s\n", strings.Join(strings.Fields(err.Error()), " "))
}

func (p *program) execute(ctx context.Context) error {
	args := p.argv[1:]
	root := p.rootCommand()
	switch {
	case isMountHelper(filepath.Base(p.argv[0])):
		call, err := parseHelperCall(args)
		if err != nil {
			return usageError(err)
		}
		if call == nil {
			return nil
		}
		args = call
	case isFstabForm(root, args):
		args = append([]string{"mount"}, args...)
	}
	if err := checkCommand(root, args); err != nil {
		return err
	}
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(explainFlagError(cmd, err))
	})
	return root.ExecuteContext(ctx)
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluicefs",
		Short: "Mount an S3 bucket as a directory; what is written into it streams out while it is being written",
		Example: `  sluicefs mount --endpoint http://127.0.0.1:9000 my-bucket /mnt/data
  cp -r photos /mnt/data/
  sluicefs umount /mnt/data`,
		Args:              cobra.ArbitraryArgs, // an unknown command is our own error
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpFunc(printHelp)
	root.AddCommand(p.mountCommand(), p.umountCommand(), p.statusCommand(), p.doctorCommand(), p.versionCommand())
	return root
}

// exactly wants the positional arguments that the command's Use line names.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError(fmt.Errorf("%s is missing: %s (see %s --help)",
				names[len(args)], cmd.UseLine(), cmd.CommandPath()))
		case len(args) > len(names):
			return usageError(fmt.Errorf("too many arguments, from %q on: %s (see %s --help)",
				args[len(names)], cmd.UseLine(), cmd.CommandPath()))
		}
		return nil
	}
}
