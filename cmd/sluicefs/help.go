package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is where the help breaks lines, in columns.
const helpWidth = 100

// groupTitle is the annotation that says under which heading a flag is listed.
const groupTitle = "group"

// flagGroup is a heading of the help and the flags below it.
type flagGroup struct {
	title string
	flags []*pflag.Flag
}

// addGroup adds the flags that define makes to a command, under a heading.
func addGroup(cmd *cobra.Command, title string, define func(*pflag.FlagSet)) {
	set := pflag.NewFlagSet(title, pflag.ContinueOnError)
	set.SortFlags = false
	define(set)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[groupTitle] = []string{title}
		cmd.Flags().AddFlag(f)
	})
	cmd.Flags().SortFlags = false
}

// groupsOf returns the flags of a command under their headings, in the order in
// which they were added.
func groupsOf(cmd *cobra.Command) []flagGroup {
	var groups []flagGroup
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		title := "Flags"
		if t := f.Annotations[groupTitle]; len(t) > 0 {
			title = t[0]
		}
		if f.Hidden {
			return
		}
		for i := range groups {
			if groups[i].title == title {
				groups[i].flags = append(groups[i].flags, f)
				return
			}
		}
		groups = append(groups, flagGroup{title, []*pflag.Flag{f}})
	})
	return groups
}

// printHelp writes the help of a command to its output.
func printHelp(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(out, "%s\n\nUsage:\n", strings.TrimSpace(text))
	if cmd.Runnable() && cmd.HasParent() {
		fmt.Fprintf(out, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "  %s COMMAND [flags]\n\nCommands:\n", cmd.CommandPath())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(out, "  %-10s %s\n", c.Name(), c.Short)
			}
		}
	}
	if cmd.Example != "" {
		fmt.Fprintf(out, "\nExamples:\n%s\n", cmd.Example)
	}
	printFlags(out, cmd)
	for _, s := range sectionsOf(cmd) {
		fmt.Fprintf(out, "\n%s:\n%s\n", s.title, s.text)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
	}
}

func printFlags(out io.Writer, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	for _, g := range groupsOf(cmd) {
		set := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		set.SortFlags = false
		for _, f := range g.flags {
			set.AddFlag(f)
		}
		fmt.Fprintf(out, "\n%s:\n%s", g.title, set.FlagUsagesWrapped(helpWidth))
	}
}

// section is a part of the help behind the flags.
type section struct{ title, text string }

// sectionsOf returns what a command says behind its flags. They travel as
// annotations, so that whoever has the command has its help.
func sectionsOf(cmd *cobra.Command) []section {
	var sections []section
	for _, title := range []string{"Environment", "Exit status"} {
		if text := cmd.Annotations[title]; text != "" {
			sections = append(sections, section{title, text})
		}
	}
	return sections
}
