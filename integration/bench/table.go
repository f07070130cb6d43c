package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// measurement is what one run of a work took.
type measurement struct {
	took     time.Duration
	cpu      time.Duration // of the process that serves the mount
	peak     int64         // bytes, of the same
	requests int64
}

// table is the runs of one work.
type table struct {
	work  string
	size  int64
	files int      // 0 where bytes count
	order []string // in which the file systems are printed
	runs  map[string][]measurement
}

func (t *table) add(system string, m measurement) {
	t.runs[system] = append(t.runs[system], m)
}

// median returns the one in the middle of one of the columns, or the upper of two.
func (t *table) median(system string, of func(measurement) float64) float64 {
	var all []float64
	for _, m := range t.runs[system] {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func seconds(m measurement) float64 { return m.took.Seconds() }

// print writes a line for each file system. Ratios are of medians: to the one
// that forgets, and to the best of the others that store.
func (t *table) print(w io.Writer) {
	rate, unit, work := "MB/s", "CPU s/GiB", float64(t.size)/1e6
	per := float64(t.size) / (1 << 30)
	if t.files > 0 {
		rate, unit, work = "files/s", "CPU ms/file", float64(t.files)
		per = work / 1e3
	}
	fmt.Fprintf(w, "\n%-10s %10s %9s %7s %7s %11s %9s %9s\n", t.work, "time", rate, "× null", "× peer", unit, "peak MiB", "requests")
	for _, system := range t.order {
		took := t.median(system, seconds)
		cpu := t.median(system, func(m measurement) float64 { return m.cpu.Seconds() })
		fmt.Fprintf(w, "%-10s %9.3fs %9.0f %7s %7s %11.2f %9.0f %9.0f\n", system, took, work/took,
			t.ratio(system, t.ceiling()), t.ratio(system, t.bestPeer()), cpu/per,
			t.median(system, func(m measurement) float64 { return float64(m.peak) / (1 << 20) }),
			t.median(system, func(m measurement) float64 { return float64(m.requests) }))
	}
}

// ratio compares medians of time; other is "" where there is nothing to compare with.
func (t *table) ratio(system, other string) string {
	if other == "" || other == system {
		return ""
	}
	return fmt.Sprintf("%.2f", t.median(system, seconds)/t.median(other, seconds))
}

func (t *table) ceiling() string {
	if _, ok := t.runs[null]; ok {
		return null
	}
	return ""
}

// bestPeer is the fastest of the file systems that are not ours.
func (t *table) bestPeer() string {
	best := ""
	for _, system := range t.order {
		if system == null || system == ours || system == before {
			continue
		}
		if best == "" || t.median(system, seconds) < t.median(best, seconds) {
			best = system
		}
	}
	return best
}
