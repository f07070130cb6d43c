package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearEnough is how many letters a mistyped name may be off to be recognised.
const nearEnough = 2

// checkCommand refuses a first word that is no command, also where its help is asked
// for.
func checkCommand(root *cobra.Command, args []string) error {
	if len(args) > 1 && args[0] == "help" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || isCommand(root, args[0]) {
		return nil
	}
	return unknownCommand(root, args[0])
}

// isCommand tells whether a word is a command of ours or of cobra, which adds its own
// when it is run.
func isCommand(root *cobra.Command, word string) bool {
	switch word {
	case "help", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		return true
	}
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
}

// unknownCommand is the error for a first word that is no command. Whoever types
// a bucket there meant to mount it.
func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if best := nearest(word, names); best != "" {
		return usageError(fmt.Errorf("unknown command %q: did you mean %q? (sluicefs --help lists them)", word, best))
	}
	return usageError(fmt.Errorf("unknown command %q: choose %s (to mount a bucket: sluicefs mount BUCKET MOUNTPOINT)",
		word, strings.Join(names, ", ")))
}

// unknownOption is the error for a name that no flag of the command has. from
// says where it stood.
func unknownOption(flags *pflag.FlagSet, name, from string) error {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if best := nearest(flagNamed(name), names); best != "" {
		return fmt.Errorf("unknown option %q in %s: did you mean %q?", name, from, best)
	}
	return fmt.Errorf("unknown option %q in %s (sluicefs mount --help lists them)", name, from)
}

// explainFlagError turns what the flag parser found into a line of ours.
func explainFlagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), errors.Unwrap(invalid))
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	name := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		return fmt.Errorf("unknown flag -%s (%s --help lists them)", name, cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if best := nearest(name, names); best != "" {
		return fmt.Errorf("unknown flag --%s: did you mean --%s?", name, best)
	}
	return fmt.Errorf("unknown flag --%s (%s --help lists them)", name, cmd.CommandPath())
}

// nearest returns the name that word was probably meant to be, or "".
func nearest(word string, names []string) string {
	best, found := nearEnough+1, ""
	for _, name := range names {
		d := editDistance(word, name)
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			d = min(d, nearEnough) // the beginning of a long name counts as near
		}
		if d < best {
			best, found = d, name
		}
	}
	return found
}

// editDistance counts the letters to insert, delete or replace to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
