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

// holders are the programs that keep a mount busy.
type holders struct {
	open []string // have a file open
	stay []string // have their working directory there, or a file that they are closing: it is on no list
}

// holdersOf names the programs that keep path busy. Those of other users can be seen
// by root alone.
//
// It asks /proc, not the file system at path. The kernel lets nobody look at a
// process that is in the middle of an exec, so one that hangs there holds up
// whoever looks: hence several scanners and a limit. A scanner that is held up
// ends with the program, which has nothing to do but to print its error.
func holdersOf(path string) holders {
	all, _ := filepath.Glob("/proc/[0-9]*")
	all = slices.DeleteFunc(all, func(p string) bool { // what we were started with is not in the way
		return filepath.Base(p) == strconv.Itoa(os.Getpid())
	})
	processes, found := make(chan string, len(all)), make(chan holders, len(all)) // neither ever blocks
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
	var sum holders
	limit := time.After(scanTime)
	for range all {
		select {
		case one := <-found:
			sum.open, sum.stay = append(sum.open, one.open...), append(sum.stay, one.stay...)
			continue
		case <-limit:
		}
		break
	}
	return sum
}

// holder names a process if it keeps path busy.
func holder(process, path string) (h holders) {
	inside := func(link string) bool {
		target, err := os.Readlink(link)
		return err == nil && (target == path || strings.HasPrefix(target, path+"/"))
	}
	name := func() []string {
		comm, _ := os.ReadFile(filepath.Join(process, "comm"))
		return []string{fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), filepath.Base(process))}
	}
	files, _ := filepath.Glob(filepath.Join(process, "fd", "*"))
	switch {
	case slices.ContainsFunc(files, inside):
		h.open = name()
	case inside(filepath.Join(process, "cwd")), inside(filepath.Join(process, "root")):
		h.stay = name()
	}
	return h
}

// String says who is in the way, "" if nobody is.
func (h holders) String() string {
	var ways []string
	if len(h.open) > 0 {
		ways = append(ways, "files are open in "+some(h.open))
	}
	switch len(h.stay) {
	case 0:
	case 1:
		ways = append(ways, h.stay[0]+" has its working directory there, or is closing a file")
	default:
		ways = append(ways, some(h.stay)+" have their working directory there, or are closing files")
	}
	return strings.Join(ways, ", and ")
}

// some names as many as a line has room for.
func some(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if more := len(names) - maxHolders; more > 0 {
		names = append(names[:maxHolders], strconv.Itoa(more)+" more")
	}
	return strings.Join(names, ", ")
}
