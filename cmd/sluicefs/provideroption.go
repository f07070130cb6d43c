package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// providerOptions are corrections of what is known of the store, in the order
// given: lines as objstore.Profile.Apply reads them.
type providerOptions struct {
	given []string // as typed
	lines []string
}

// Set reads NAME=VALUE,… or @FILE, whose lines are those of doctor --print-profile.
func (o *providerOptions) Set(text string) error {
	var lines []string
	if path, ok := strings.CutPrefix(text, "@"); ok {
		file, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the properties of the store: %w", err)
		}
		lines = strings.Split(string(file), "\n")
	} else {
		lines = strings.Split(text, ",")
	}
	var probe objstore.Profile
	if err := probe.Apply(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		if cause := errors.Unwrap(err); cause != nil && !strings.HasPrefix(text, "@") {
			err = cause // there are no lines to speak of
		}
		return err
	}
	o.given = append(o.given, text)
	o.lines = append(o.lines, lines...)
	return nil
}

// String returns what was typed.
func (o *providerOptions) String() string { return strings.Join(o.given, ",") }

// Type names the value in the help.
func (o *providerOptions) Type() string { return "NAME=VALUE,..." }

// apply corrects a profile.
func (o *providerOptions) apply(p *objstore.Profile) error {
	if err := p.Apply(strings.NewReader(strings.Join(o.lines, "\n"))); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("--provider-option: %w", err)
	}
	return nil
}
