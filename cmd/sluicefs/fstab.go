package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// isMountHelper tells whether the program was called by the name under which
// mount(8) looks for it: a link mount.sluicefs (or mount.fuse.sluicefs) to it.
func isMountHelper(name string) bool {
	return name == "mount.sluicefs" || name == "mount.fuse.sluicefs"
}

// parseHelperCall translates what mount(8) passes to a helper,
//
//	SPEC DIR [-sfnvrw] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
//
// into the arguments of the mount command. With -f, for fake, there is nothing to
// do, and there are none.
func parseHelperCall(args []string) ([]string, error) {
	call := []string{"mount"}
	var positional []string
	fake := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-o" || arg == "-t" || arg == "-N":
			i++
			if i == len(args) {
				return nil, fmt.Errorf("%s wants a value", arg)
			}
			switch arg {
			case "-o":
				call = append(call, "-o", args[i])
			case "-N":
				return nil, errors.New("-N: mounting in another mount namespace is not supported; use nsenter")
			}
		case strings.HasPrefix(arg, "-o"):
			call = append(call, arg)
		case isHelperSwitch(arg):
			call = append(call, switchOptions(arg)...)
			fake = fake || strings.Contains(arg, "f")
		case strings.HasPrefix(arg, "-"):
			return nil, fmt.Errorf("unknown flag %s of a mount helper", arg)
		default:
			positional = append(positional, arg)
		}
	}
	if fake {
		return nil, nil
	}
	return append(append(call, "--"), positional...), nil
}

// isHelperSwitch tells whether an argument is of letters that mean something alone.
func isHelperSwitch(arg string) bool {
	letters, ok := strings.CutPrefix(arg, "-")
	return ok && letters != "" && strings.Trim(letters, "sfnvrw") == ""
}

// switchOptions are the options that such letters stand for. Nothing follows here from
// sloppy options, no mtab and verbose.
func switchOptions(arg string) []string {
	var options []string
	for _, letter := range arg {
		switch letter {
		case 'r':
			options = append(options, "-o", "ro")
		case 'w':
			options = append(options, "-o", "rw")
		}
	}
	return options
}

// isFstabForm tells whether the arguments are BUCKET MOUNTPOINT -o …, the form in
// which /etc/fstab helpers are called, without the word mount.
func isFstabForm(root *cobra.Command, args []string) bool {
	if len(args) < 3 || !hasMountOptions(args) {
		return false
	}
	first := args[0]
	if strings.HasPrefix(first, "-") {
		return strings.HasPrefix(first, "-o")
	}
	return !isCommand(root, first)
}

func hasMountOptions(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "-o") && !strings.HasPrefix(a, "--")
	})
}

// isForMount tells whether an option of fstab changes nothing here: it is for
// mount(8) and systemd, which leave it in what they pass on, or about times of access
// and other things that no mount here keeps, or asks for what every mount does
// anyhow: close waits until all is stored, and no device or set-user-id bit counts,
// which dev and suid cannot change.
func isForMount(name string) bool {
	switch name {
	case "defaults", "auto", "noauto", "_netdev", "user", "users", "nouser", "owner", "group", "nofail", "comment",
		"silent", "loud", "sync", "async", "suid", "nosuid", "dev", "nodev", "mand", "nomand",
		"atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
		"lazytime", "nolazytime", "iversion", "noiversion":
		return true
	}
	return strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "X-")
}

// parseOptions reads the values of -o: name[=value],… with the names of the
// flags.
func parseOptions(lists []string) ([]setting, error) {
	var settings []setting
	for _, list := range lists {
		items, err := splitOptions(list)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			name, value, given := strings.Cut(strings.TrimSpace(item), "=")
			switch {
			case name == "" && given:
				return nil, fmt.Errorf("-o %q has no name before the \"=\"", item)
			case name == "remount":
				return nil, errors.New("-o remount: a mount keeps its options; unmount it with sluicefs umount, and mount it anew")
			case name == "rw":
				settings = without(settings, flagNamed("ro"))
			case name == "exec":
				settings = without(settings, flagNamed("noexec"))
			case name == "" || isForMount(name):
			default:
				settings = append(settings, newSetting(name, unquote(value), given))
			}
		}
	}
	return settings, nil
}

// splitOptions cuts a list at its commas. As with mount(8), those between double
// quotes are none: tags="a=1,b=2".
func splitOptions(list string) ([]string, error) {
	quoted := false
	items := strings.FieldsFunc(list, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return c == ',' && !quoted
	})
	if quoted {
		return nil, fmt.Errorf("-o %s: a double quote is not closed", list)
	}
	return items, nil
}

// unquote takes away the quotes around a value. Others are part of it, as in JSON.
func unquote(value string) string {
	if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		return value[1 : len(value)-1]
	}
	return value
}

// without forgets what was said of a flag before.
func without(settings []setting, flag string) []setting {
	return slices.DeleteFunc(settings, func(s setting) bool { return s.flag == flag })
}
