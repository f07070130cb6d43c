package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxHolders = 4               // how many programs an error names
	scanners   = 8               // how many processes are looked at at once
	scanTime   = 2 * time.Second // how long: longer than thousands of processes take
)

// holdersOf names the programs that keep path busy: with an open file, or the
// working directory below it. Those of other users can be seen by root alone.
//
// It asks /proc, not the file system at path. The kernel lets nobody look at a
// process that is in the middle of an exec, so one that hangs there holds up
// whoever looks: hence several scanners and a limit. A scanner that is held up
// ends with the program, which has nothing to do but to print its error.
func holdersOf(path string) []string {
	all, _ := filepath.Glob("/proc/[0-9]*")
	all = slices.DeleteFunc(all, func(p string) bool { // what we were started with is not in the way
		return filepath.Base(p) == strconv.Itoa(os.Getpid())
	})
	processes, found := make(chan string, len(all)), make(chan string, len(all)) // neither ever blocks
	for _, p := range all {
		processes <- p
	}
	close(processes)
	for range scanners {
		go func() {
			for p := range processes {
				found <- holder(p, path)
			}
		}()
	}
	var holders []string
	limit := time.After(scanTime)
	for range all {
		select {
		case name := <-found:
			if name != "" {
				holders = append(holders, name)
			}
			continue
		case <-limit:
		}
		break
	}
	slices.SortFunc(holders, strings.Compare)
	if more := len(holders) - maxHolders; more > 0 {
		holders = append(holders[:maxHolders], strconv.Itoa(more)+" more")
	}
	return holders
}

// holder names a process if it keeps path busy.
func holder(process, path string) string {
	links := []string{filepath.Join(process, "cwd"), filepath.Join(process, "root")}
	files, _ := filepath.Glob(filepath.Join(process, "fd", "*"))
	for _, link := range append(links, files...) {
		target, err := os.Readlink(link)
		if err == nil && (target == path || strings.HasPrefix(target, path+"/")) {
			name, _ := os.ReadFile(filepath.Join(process, "comm"))
			return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), filepath.Base(process))
		}
	}
	return ""
}
