package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// fuseType is the type that the kernel shows for our mounts.
const fuseType = "fuse.sluicefs"

// mountEntry is a line of the kernel's table of mounts.
type mountEntry struct {
	path   string // where it is mounted
	kind   string // "fuse.sluicefs", "ext4", …
	source string
}

// mountedAt returns the mount that is on top at path, which is absolute and
// clean; ok is false where there is none. It asks nothing of the file system
// there, which may be dead.
func mountedAt(path string) (m mountEntry, ok bool, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return mountEntry{}, false, fmt.Errorf("read the table of mounts: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // an overlay of many layers makes a long line
	for lines.Scan() {
		if e, valid := parseMountEntry(lines.Text()); valid && e.path == path {
			m, ok = e, true // a later line lies above
		}
	}
	if err := lines.Err(); err != nil {
		return mountEntry{}, false, fmt.Errorf("read the table of mounts: %w", err)
	}
	return m, ok, nil
}

// parseMountEntry reads a line of /proc/PID/mountinfo as proc(5) describes it:
//
//	36 35 98:0 /root /mountpoint options [optional…] - type source superoptions
func parseMountEntry(line string) (mountEntry, bool) {
	front, back, ok := strings.Cut(line, " - ")
	if !ok {
		return mountEntry{}, false
	}
	head, tail := strings.Fields(front), strings.Fields(back)
	if len(head) < 6 || len(tail) < 2 {
		return mountEntry{}, false
	}
	return mountEntry{path: unescapeOctal(head[4]), kind: tail[0], source: unescapeOctal(tail[1])}, true
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
