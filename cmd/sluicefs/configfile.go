package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// readConfig reads a config file: lines of "name = value" with the names of the
// flags, empty lines, and comments that begin with "#". A name alone means true.
// Only what can be repeated may be there twice.
func readConfig(path string, flags *pflag.FlagSet) ([]setting, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the config file: %w", err)
	}
	var settings []setting
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, given := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("%s, line %d: want name = value", path, number)
		}
		one := newSetting(name, value, given)
		if seen[one.flag] && !isRepeatable(flags.Lookup(one.flag)) {
			return nil, fmt.Errorf("%s, line %d: %s is there twice", path, number, name)
		}
		seen[one.flag] = true
		settings = append(settings, one)
	}
	return settings, nil
}
