package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// print writes a status for people.
func (s *status) print(w io.Writer) error {
	var failed error
	line := func(format string, args ...any) {
		if _, err := fmt.Fprintf(w, format+"\n", args...); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	began := fmt.Sprintf("%s on %s, since %s (process %d)", plain(s.Source), plain(s.Mountpoint), s.Since.Local().Format(time.DateTime), s.PID)
	if !s.Alive {
		line("%s: the daemon has ended", began)
		return failed
	}
	t := s.Totals
	line("%s", began)
	line("  sent %s, received %s; %d objects stored, %d files failed, %d requests repeated",
		readable(t.Sent), readable(t.Received), t.Objects, t.Failed, t.Retries)
	line("  %d files open for writing, %d parts on their way, %s of %s buffered",
		t.OpenFiles, t.PartsInFlight, readable(t.Buffered), readable(t.BufferLimit))
	for _, u := range s.Uploads {
		switch {
		case u.Error != "":
			line("  %s: failed: %s", plain(u.Key), plain(u.Error))
		case u.Dirty:
			line("  %s: %s written, %s of them sent in %d parts", plain(u.Key), readable(u.Size), readable(u.Sent), u.Parts)
		default:
			line("  %s: %s, stored", plain(u.Key), readable(u.Size))
		}
	}
	for _, f := range s.Errors {
		line("  NOT STORED: %s: %s", plain(f.Key), plain(f.Error))
	}
	if s.MoreErrors > 0 {
		line("  and %d more", s.MoreErrors)
	}
	return failed
}

// plain is a name or an error as it is shown to people: quoted, if it could be taken
// for something else on a terminal.
func plain(text string) string {
	odd := func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }
	if strings.HasPrefix(text, `"`) || strings.ContainsFunc(text, odd) {
		return strconv.Quote(text)
	}
	return text
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
