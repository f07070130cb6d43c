package scratch

import (
	"fmt"
	"os"
	"strings"
)

// Mounted returns where something is mounted below a folder.
func Mounted(dir string) (at []string, err error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look what is mounted below %s: %w", dir, err)
	}
	for line := range strings.Lines(string(table)) {
		// The fifth field is the mountpoint, see proc(5).
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			at = append(at, f[4])
		}
	}
	return at, nil
}
