package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// setting is an option as a place beside the command line gives it.
type setting struct {
	flag  string // its flag
	typed string // the name as it is written there, for messages
	value string
}

// newSetting reads name[=value] as it was cut: a name alone means true.
func newSetting(name, value string, given bool) setting {
	if !given {
		value = "true"
	}
	return setting{flag: flagNamed(name), typed: name, value: value}
}

// flagNamed is the flag that a name stands for: "_" does for "-", and ro and
// noexec, as every file system calls them, have names like all others here.
func flagNamed(name string) string {
	switch name {
	case "ro":
		return "read-only"
	case "noexec":
		return "no-exec"
	}
	return strings.ReplaceAll(name, "_", "-")
}

// repeatable marks flags that can be given several times, and count each time.
const repeatable = "repeatable"

func isRepeatable(f *pflag.Flag) bool { return f != nil && f.Annotations[repeatable] != nil }

// markRepeatable is for the function that defines the flags.
func markRepeatable(flags *pflag.FlagSet, name string) {
	_ = flags.SetAnnotation(name, repeatable, []string{"true"})
}
