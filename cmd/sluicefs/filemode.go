package main

import (
	"errors"
	"fmt"
	"strconv"
)

// permissions is a flag's permission bits, written in octal.
type permissions uint32

// Set reads the value of a flag: 640, 0640 and 0o640 are the same.
func (m *permissions) Set(text string) error {
	if len(text) > 2 && text[:2] == "0o" {
		text = text[2:]
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return errors.New("want permissions in octal such as 0644")
	}
	*m = permissions(n)
	return nil
}

// String writes the bits as chmod takes them.
func (m *permissions) String() string { return fmt.Sprintf("%#o", uint32(*m)) }

// Type names the value in the help.
func (*permissions) Type() string { return "mode" }
