package uploader_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/sluicefs/sluicefs/uploader"
)

// operation is one step of a sequence. Which fields mean something depends on
// what it does; the others are zero.
//
// A sequence is text, one operation on a line: `write f=1 off=300 n=20 salt=7`.
// It can be played whatever is left out of it. Bytes are counted as where chunks
// are small: elsewhere they are more by the same factor as the chunks.
type operation struct {
	what   string
	f      int // file
	off, n int64
	salt   int64 // where in the noise the bytes begin
}

const scale = uploader.ChunkSize / (1 << 10)

// fields are the fields of an operation by their names in the text.
func (o *operation) fields() []struct {
	name  string
	value any
} {
	return []struct {
		name  string
		value any
	}{{"f", &o.f}, {"off", &o.off}, {"n", &o.n}, {"salt", &o.salt}}
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

// parseSequence reads what formatSequence writes. Empty lines do not count.
func parseSequence(text string) (seq []operation, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		o := operation{what: words[0]}
		for _, word := range words[1:] {
			if err := o.set(word); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
		seq = append(seq, o)
	}
	return seq, nil
}

// set takes in a field as name=value.
func (o *operation) set(word string) (err error) {
	name, text, _ := strings.Cut(word, "=")
	for _, f := range o.fields() {
		if f.name != name {
			continue
		}
		switch p := f.value.(type) {
		case *int:
			*p, err = strconv.Atoi(text)
		case *int64:
			*p, err = strconv.ParseInt(text, 10, 64)
		}
		return err
	}
	return fmt.Errorf("there is no %q", name)
}

func formatSequence(seq []operation) string {
	lines := make([]string, len(seq))
	for i, o := range seq {
		lines[i] = o.String()
	}
	return strings.Join(lines, "\n") + "\n"
}
