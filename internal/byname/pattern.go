package byname

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// pattern matches paths. One without a slash is for the last name of a path,
// wherever it is; one with a slash for the whole path, where ** stands for any
// number of folders. A slash at the end means all that is below.
type pattern []string // by segments; of one that is for last names only, the first is "**"

var errPattern = errors.New("bad pattern: want shell wildcards such as *.jpg, logs/2024-* or raw/")

func parsePattern(text string) (pattern, error) {
	trimmed := strings.TrimPrefix(text, "/")
	if strings.HasSuffix(trimmed, "/") {
		trimmed += "**"
	}
	p := strings.Split(trimmed, "/")
	if !strings.Contains(text, "/") {
		p = append([]string{"**"}, p...)
	}
	for _, segment := range p {
		if _, err := path.Match(segment, ""); err != nil || segment == "" {
			return nil, errPattern
		}
	}
	return slices.Compact(p), nil // "a/**/**/b" is "a/**/b"
}

func (p pattern) matches(file string) bool { return matchSegments(p, strings.Split(file, "/")) }

// matchSegments tries, at a **, every number of folders. Patterns are a user's own
// and have few of them.
func matchSegments(p pattern, names []string) bool {
	for len(p) > 0 {
		if p[0] == "**" {
			if len(p) == 1 {
				return len(names) > 0
			}
			for i := range names {
				if matchSegments(p[1:], names[i:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, err := path.Match(p[0], names[0]); !ok || err != nil {
			return false
		}
		p, names = p[1:], names[1:]
	}
	return len(names) == 0
}
