package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxHolders is how many programs an error names.
const maxHolders = 4

// holdersOf names the programs that keep path busy: with an open file, or the
// working directory below it. Those of other users can be seen by root alone.
// It asks /proc, not the file system at path.
func holdersOf(path string) []string {
	var holders []string
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		if !holds(process, path) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		holders = append(holders, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), filepath.Base(process)))
	}
	slices.SortFunc(holders, strings.Compare)
	if more := len(holders) - maxHolders; more > 0 {
		holders = append(holders[:maxHolders], strconv.Itoa(more)+" more")
	}
	return holders
}

func holds(process, path string) bool {
	links := []string{filepath.Join(process, "cwd"), filepath.Join(process, "root")}
	files, _ := filepath.Glob(filepath.Join(process, "fd", "*"))
	for _, link := range append(links, files...) {
		target, err := os.Readlink(link)
		if err == nil && (target == path || strings.HasPrefix(target, path+"/")) {
			return true
		}
	}
	return false
}
