package byname

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Rules are the lines of a file
//
//	PATTERN: name=value name="value with spaces" …
//
// in their order, with "#" before comments at the beginning of a line. The zero
// value has none.
type Rules struct {
	file  string
	rules []rule
}

type rule struct {
	line    int
	pattern pattern
	changes []change
}

// ReadRules reads rules; name is the file's, for messages.
func ReadRules(r io.Reader, name string) (Rules, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Rules{}, fmt.Errorf("read %s: %w", name, err)
	}
	out := Rules{file: name}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := parseRule(line)
		if err != nil {
			return Rules{}, fmt.Errorf("%s, line %d: %w", name, number, err)
		}
		one.line = number
		out.rules = append(out.rules, one)
	}
	return out, nil
}

func parseRule(line string) (rule, error) {
	text, rest, ok := cutPattern(line)
	if !ok {
		return rule{}, fmt.Errorf("want PATTERN: name=value …")
	}
	p, err := parsePattern(text)
	if err != nil {
		return rule{}, err
	}
	out := rule{pattern: p}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		var name, value string
		if name, value, rest, err = cutProperty(rest); err != nil {
			return rule{}, err
		}
		change, err := changeOf(name, value)
		if err != nil {
			return rule{}, fmt.Errorf("%s=%s: %w", name, value, err)
		}
		out.changes = append(out.changes, change)
	}
	if len(out.changes) == 0 {
		return rule{}, fmt.Errorf("no property after the pattern %q", text)
	}
	return out, nil
}

// cutPattern splits a line at the first ": ". A pattern may be in quotes.
func cutPattern(line string) (text, rest string, ok bool) {
	if strings.HasPrefix(line, `"`) {
		text, rest, ok = strings.Cut(line[1:], `":`)
		return text, rest, ok && text != ""
	}
	text, rest, ok = strings.Cut(line, ": ")
	text = strings.TrimSpace(text)
	return text, rest, ok && text != ""
}

// cutProperty takes name=value off the front. A value in double quotes may have
// spaces, and \" and \\ in it.
func cutProperty(s string) (name, value, rest string, err error) {
	name, s, ok := strings.Cut(s, "=")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return "", "", "", fmt.Errorf("want name=value, not %q", name)
	}
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			end = len(s)
		}
		return name, s[:end], s[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return name, b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", "", fmt.Errorf("%s: the quote is not closed", name)
}

// Apply returns the properties of a file: those given, changed by the rules that
// match its path, the later ones last.
func (r Rules) Apply(path string, o objstore.ObjectOptions) objstore.ObjectOptions {
	for _, one := range r.rules {
		if !one.pattern.matches(path) {
			continue
		}
		for _, change := range one.changes {
			change(&o)
		}
	}
	return o
}

// Each calls fn with what every rule alone would make of some properties, and
// stops at the first error: for finding out early what a store cannot do.
func (r Rules) Each(o objstore.ObjectOptions, fn func(objstore.ObjectOptions) error) error {
	for _, one := range r.rules {
		changed := o
		for _, change := range one.changes {
			change(&changed)
		}
		if err := fn(changed); err != nil {
			return fmt.Errorf("%s, line %d: %w", r.file, one.line, err)
		}
	}
	return nil
}
