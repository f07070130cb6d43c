package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// row is one line of the table. Fields that are zero are left empty.
type row struct {
	what  string
	files int
	bytes int64
	took  time.Duration
	note  string
}

// table is what the demo did, in order.
type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// print writes the table, with a line of titles.
func (t *table) print(w io.Writer) {
	width := 0
	for _, r := range t.rows {
		width = max(width, len(r.what))
	}
	line := func(what, files, bytes, time, speed, rate, note string) {
		text := fmt.Sprintf("%-*s  %6s  %9s  %7s  %11s  %7s  %s", width, what, files, bytes, time, speed, rate, note)
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
	fmt.Fprintln(w)
	line("what", "files", "bytes", "time", "speed", "files/s", "")
	for _, r := range t.rows {
		line(r.what, r.count(), r.size(), r.seconds(), r.speed(), r.rate(), r.note)
	}
	fmt.Fprintln(w)
}

func (r row) count() string {
	if r.files == 0 {
		return ""
	}
	return strconv.Itoa(r.files)
}

func (r row) size() string {
	if r.bytes == 0 {
		return ""
	}
	return inMiB(r.bytes)
}

func (r row) seconds() string {
	if r.took == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f s", r.took.Seconds())
}

func (r row) speed() string {
	if r.bytes == 0 || r.took == 0 {
		return ""
	}
	return inMiB(int64(float64(r.bytes)/r.took.Seconds())) + "/s"
}

// rate is of interest where the files are many.
func (r row) rate() string {
	if r.files < 2 || r.took == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", float64(r.files)/r.took.Seconds())
}

// inMiB writes bytes for people.
func inMiB(bytes int64) string {
	const mib = 1 << 20
	if bytes < 10*mib {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/mib)
	}
	return fmt.Sprintf("%d MiB", bytes/mib)
}
