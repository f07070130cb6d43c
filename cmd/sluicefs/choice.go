package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

// choose makes a flag value of target; what target holds is the default.
func choose(target *string, words ...string) *choice {
	return &choice{value: target, words: words}
}

// Set reads the value of a flag.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return fmt.Errorf("want %s", strings.Join(c.words, " or "))
	}
	*c.value = text
	return nil
}

// String returns the word chosen.
func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Type names the value in the help.
func (c *choice) Type() string { return strings.Join(c.words, "|") }
