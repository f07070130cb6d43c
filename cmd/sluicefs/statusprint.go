package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// print writes a status for people.
func (s *status) print(w io.Writer) error {
	var failed error
	line := func(format string, args ...any) {
		if _, err := fmt.Fprintf(w, format+"\n", args...); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	t := s.Totals
	line("%s on %s, since %s (process %d)", s.Source, s.Mountpoint, s.Since.Local().Format(time.DateTime), s.PID)
	line("  sent %s, received %s; %d objects stored, %d files failed, %d requests repeated",
		readable(t.Sent), readable(t.Received), t.Objects, t.Failed, t.Retries)
	line("  %d files open for writing, %d parts on their way, %s of %s buffered",
		t.OpenFiles, t.PartsInFlight, readable(t.Buffered), readable(t.BufferLimit))
	for _, u := range s.Uploads {
		switch {
		case u.Error != "":
			line("  %s: failed: %s", u.Key, u.Error)
		case u.Dirty:
			line("  %s: %s written, %s of them sent in %d parts", u.Key, readable(u.Size), readable(u.Sent), u.Parts)
		default:
			line("  %s: %s, stored", u.Key, readable(u.Size))
		}
	}
	for _, f := range s.Errors {
		line("  NOT STORED: %s: %s", f.Key, f.Error)
	}
	if s.MoreErrors > 0 {
		line("  and %d more", s.MoreErrors)
	}
	return failed
}

// readable is a number of bytes with three digits or so.
func readable(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
