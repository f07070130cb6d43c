package main

import (
	"fmt"
	"os"
	"strings"
)

// readConfig reads a config file: lines of "name = value" with the names of the
// flags, empty lines, and comments that begin with "#". A name alone means true.
func readConfig(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the config file: %w", err)
	}
	values := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, given := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !given {
			value = "true"
		}
		if name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("%s, line %d: want name = value", path, number)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("%s, line %d: %s is there twice", path, number, name)
		}
		values[name] = value
	}
	return values, nil
}
