package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// envPrefix begins the environment variable of each flag: --part-size is
// SLUICEFS_PART_SIZE.
const envPrefix = "SLUICEFS_"

// onCommandLine marks flags that only the command line has.
const onCommandLine = "on-command-line"

// oneOf are pairs of flags of which one at most can be meant. A pair given at a
// higher place hides both of a lower one.
var oneOf = [][2]string{{"path-style", "virtual-host"}}

// source is a place, beside the command line, where options come from.
type source struct {
	name   string                   // for messages: "-o"
	label  func(flag string) string // how one option is written there, for messages
	values map[string]string        // by the name of the flag
	strict bool                     // a name that no flag has is an error
}

// fillIn sets the flags that the command line did not, from -o, then the
// environment, then the config file. The first place that has an option wins.
func fillIn(flags *pflag.FlagSet, options []string, config *string) error {
	if err := checkPairs(flags, nil); err != nil {
		return err
	}
	fromOptions, err := parseOptions(options)
	if err != nil {
		return err
	}
	if err := apply(flags, source{
		name:   "-o",
		label:  func(flag string) string { return "-o " + flag },
		values: fromOptions,
		strict: true,
	}); err != nil {
		return err
	}
	if err := apply(flags, source{
		name:   "the environment",
		label:  variable,
		values: fromEnvironment(flags),
	}); err != nil {
		return err
	}
	if *config == "" {
		return nil
	}
	fromFile, err := readConfig(*config)
	if err != nil {
		return err
	}
	if _, nested := fromFile["config"]; nested {
		return fmt.Errorf("%s: a config file cannot name another one", *config)
	}
	return apply(flags, source{
		name:   *config,
		label:  func(flag string) string { return *config + ": " + flag },
		values: fromFile,
		strict: true,
	})
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func fromEnvironment(flags *pflag.FlagSet) map[string]string {
	values := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if value, ok := os.LookupEnv(variable(f.Name)); ok && value != "" && elsewhere(f) {
			values[f.Name] = value
		}
	})
	return values
}

// elsewhere tells whether a flag can be given outside the command line, too.
func elsewhere(f *pflag.Flag) bool {
	return f.Name != "help" && f.Annotations[onCommandLine] == nil
}

// apply sets the flags that are not set yet to the values of a source.
func apply(flags *pflag.FlagSet, s source) error {
	var settled []string
	flags.Visit(func(f *pflag.Flag) { settled = append(settled, f.Name) })
	for _, pair := range oneOf {
		if slices.Contains(settled, pair[0]) || slices.Contains(settled, pair[1]) {
			settled = append(settled, pair[0], pair[1])
		}
	}
	names := make([]string, 0, len(s.values))
	for name := range s.values {
		names = append(names, name)
	}
	slices.Sort(names) // so that the same mistake gives the same message
	for _, name := range names {
		f := flags.Lookup(name)
		switch {
		case s.strict && (f == nil || !elsewhere(f)):
			return unknownOption(flags, name, s.name)
		case slices.Contains(settled, name):
			continue
		}
		if err := flags.Set(name, s.values[name]); err != nil {
			if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
				err = errors.Unwrap(invalid)
			}
			return fmt.Errorf("%s=%s: %w", s.label(name), s.values[name], err)
		}
	}
	return checkPairs(flags, settled)
}

// checkPairs refuses two flags of a pair given at the same place.
func checkPairs(flags *pflag.FlagSet, settled []string) error {
	for _, pair := range oneOf {
		if flags.Changed(pair[0]) && flags.Changed(pair[1]) && !slices.Contains(settled, pair[0]) {
			return fmt.Errorf("%s and %s exclude each other", pair[0], pair[1])
		}
	}
	return nil
}
