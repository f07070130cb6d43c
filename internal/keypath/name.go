package keypath

import (
	"errors"
	"strings"
)

// MaxName is the most bytes that a name may have: NAME_MAX of Linux.
const MaxName = 255

// Why a name or a key is not valid, matched with errors.Is.
var (
	ErrInvalid = errors.New("name that no path can hold")
	ErrTooLong = errors.New("name too long")
)

// ValidName tells whether a directory can have an entry of that name: nil,
// ErrInvalid ("", ".", "..", one with a NUL or a "/") or ErrTooLong.
func ValidName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return ErrInvalid
	case strings.IndexByte(name, 0) >= 0 || strings.IndexByte(name, '/') >= 0:
		return ErrInvalid
	case len(name) > MaxName:
		return ErrTooLong
	}
	return nil
}

// ValidKey tells whether a path can hold the key: nil, or the error of its
// first segment that is not a valid name. The "/" at the end of a directory is
// no segment; the root, "", is valid.
func ValidKey(key string) error {
	if key == "" {
		return nil
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if err := ValidName(segment); err != nil {
			return err
		}
	}
	return nil
}
