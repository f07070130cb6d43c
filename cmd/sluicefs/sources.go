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
	name     string // for messages: "-o"
	before   string // what precedes the name of an option in messages
	settings []setting
	strict   bool // a name that no flag has is an error
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
	if err := apply(flags, source{name: "-o", before: "-o ", settings: fromOptions, strict: true}); err != nil {
		return err
	}
	if err := apply(flags, source{name: "the environment", settings: fromEnvironment(flags)}); err != nil {
		return err
	}
	if *config == "" {
		return nil
	}
	fromFile, err := readConfig(*config, flags)
	if err != nil {
		return err
	}
	if givenIn(fromFile, "config") {
		return fmt.Errorf("%s: a config file cannot name another one", *config)
	}
	return apply(flags, source{name: *config, before: *config + ": ", settings: fromFile, strict: true})
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment reads the variables of the flags. An empty one counts as none; of
// what can be repeated, each line is one.
func fromEnvironment(flags *pflag.FlagSet) []setting {
	var settings []setting
	flags.VisitAll(func(f *pflag.Flag) {
		text := os.Getenv(variable(f.Name))
		if text == "" || !elsewhere(f) {
			return
		}
		values := []string{text}
		if isRepeatable(f) {
			values = strings.Split(strings.Trim(text, "\n"), "\n")
		}
		for _, value := range values {
			settings = append(settings, setting{flag: f.Name, typed: variable(f.Name), value: value})
		}
	})
	return settings
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
	for i, one := range s.settings {
		f := flags.Lookup(one.flag)
		switch {
		case f == nil || !elsewhere(f):
			if s.strict {
				return unknownOption(flags, one.typed, s.name)
			}
			continue
		case slices.Contains(settled, one.flag), !isRepeatable(f) && givenIn(s.settings[i+1:], one.flag):
			continue // a place before this one has it, or what follows replaces it
		}
		if err := flags.Set(one.flag, one.value); err != nil {
			if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
				err = errors.Unwrap(invalid)
			}
			return fmt.Errorf("%s%s=%s: %w", s.before, one.typed, one.value, err)
		}
	}
	return checkPairs(flags, settled)
}

func givenIn(settings []setting, flag string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return s.flag == flag })
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
