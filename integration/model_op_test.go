//go:build integration

package integration

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// operation is one step of a sequence. Which fields mean something depends on
// what it does; the others are zero.
//
// A sequence is text, one operation on a line: `pwrite h=1 off=300 n=20 salt=7`.
// It can be played whatever is left out of it: an operation on a handle that is
// not open, or an open of one that is, does nothing.
type operation struct {
	what     string
	h, from  int    // handles by number; from is the source of a copy
	name, to string // paths in the folder of the sequence
	flags    string // of open and fallocate, with | in between
	off, n   int64
	salt     int64 // where in the noise the bytes begin
}

// fields are the fields of an operation by their names in the text.
func (o *operation) fields() []struct {
	name  string
	value any
} {
	return []struct {
		name  string
		value any
	}{
		{"h", &o.h}, {"from", &o.from}, {"name", &o.name}, {"to", &o.to}, {"flags", &o.flags},
		{"off", &o.off}, {"n", &o.n}, {"salt", &o.salt},
	}
}

func (o operation) String() string {
	out := o.what
	for _, f := range o.fields() {
		if v := reflect.ValueOf(f.value).Elem(); !v.IsZero() {
			out += fmt.Sprintf(" %s=%v", f.name, v)
		}
	}
	return out
}

func parseOperation(line string) (o operation, err error) {
	words := strings.Fields(line)
	o.what = words[0]
words:
	for _, word := range words[1:] {
		name, text, _ := strings.Cut(word, "=")
		for _, f := range o.fields() {
			if f.name != name {
				continue
			}
			switch p := f.value.(type) {
			case *string:
				*p = text
			case *int:
				*p, err = strconv.Atoi(text)
			case *int64:
				*p, err = strconv.ParseInt(text, 10, 64)
			}
			if err != nil {
				return o, fmt.Errorf("%q: %w", line, err)
			}
			continue words
		}
		return o, fmt.Errorf("%q: there is no %q", line, name)
	}
	return o, nil
}

// parseSequence reads what formatSequence writes. Empty lines and what is behind
// a # do not count.
func parseSequence(text string) (seq []operation, err error) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		o, err := parseOperation(line)
		if err != nil {
			return nil, err
		}
		seq = append(seq, o)
	}
	return seq, nil
}

func formatSequence(seq []operation) string {
	lines := make([]string, len(seq))
	for i, o := range seq {
		lines[i] = o.String()
	}
	return strings.Join(lines, "\n") + "\n"
}

// temporaryEnd is how the names end that rsync gives to files which it renames.
const temporaryEnd = ".Ab12Cd"

// underTemporaryNames gives files that are called a such names instead, and has some
// of those who create them expect that there is none.
func (o operation) underTemporaryNames() operation {
	for _, name := range []*string{&o.name, &o.to} {
		if dir, is := strings.CutSuffix(*name, "a"); is {
			*name = dir + ".a" + temporaryEnd
		}
	}
	if o.what == "open" && strings.HasSuffix(o.name, temporaryEnd) && strings.Contains(o.flags, "creat") && o.h == 0 {
		o.flags += "|excl"
	}
	return o
}
