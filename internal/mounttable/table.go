// Package mounttable reads what is mounted where. It asks nothing of the file systems, which
// may be dead.
package mounttable

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Entry is a line of the kernel's table of mounts.
type Entry struct {
	Path   string // where it is mounted
	Kind   string // "fuse.sluicefs", "ext4", …
	Source string
	Device string // "98:0": no other file system has it as long as this one is mounted
}

// At returns the mount that is on top at path, which is absolute and clean; ok is false
// where there is none.
func At(path string) (m Entry, ok bool, err error) {
	stack, err := Stack(path)
	if err != nil || len(stack) == 0 {
		return Entry{}, false, err
	}
	return stack[len(stack)-1], true, nil
}

// Stack returns all mounts at path, the one on top last.
func Stack(path string) ([]Entry, error) {
	return entries(func(e Entry) bool { return e.Path == path })
}

// Below returns the mounts on directories below path.
func Below(path string) ([]Entry, error) {
	inside := strings.TrimSuffix(path, "/") + "/"
	return entries(func(e Entry) bool { return e.Path != path && strings.HasPrefix(e.Path, inside) })
}

// entries returns the lines that are wanted, in the kernel's order: of two at one
// place, the later lies above.
func entries(wanted func(Entry) bool) (found []Entry, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the table of mounts: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // an overlay of many layers makes a long line
	for lines.Scan() {
		if e, valid := parse(lines.Text()); valid && wanted(e) {
			found = append(found, e)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the table of mounts: %w", err)
	}
	return found, nil
}

// parse reads a line of /proc/PID/mountinfo as proc(5) describes it:
//
//	36 35 98:0 /root /mountpoint options [optional…] - type source superoptions
func parse(line string) (Entry, bool) {
	front, back, ok := strings.Cut(line, " - ")
	if !ok {
		return Entry{}, false
	}
	head, tail := strings.Fields(front), strings.Fields(back)
	if len(head) < 6 || len(tail) < 2 {
		return Entry{}, false
	}
	return Entry{Path: unescapeOctal(head[4]), Kind: tail[0], Source: unescapeOctal(tail[1]), Device: head[2]}, true
}

// unescapeOctal undoes the \040 of spaces, tabs, line ends and backslashes.
func unescapeOctal(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
