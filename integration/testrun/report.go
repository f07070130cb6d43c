package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
	ImportPath                    string  // of what is built
}

// report reads the events of a run and tells what they come to.
type report struct {
	out     io.Writer
	said    map[string][]string // what the tests that are not over have printed
	passed  int
	allowed int
	skipped []string // that must not be
	began   time.Time
}

func newReport(out io.Writer) *report {
	return &report{out: out, said: map[string][]string{}, began: time.Now()}
}

// read takes events until they end.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				_, _ = r.out.Write(line) // go itself has something to say
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what go test says: %w", err)
		}
	}
}

// take notes an event. What a test printed is shown if it failed; what a package
// printed, always.
func (r *report) take(e event) {
	id := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Test == "" && e.Output != "PASS\n" { // go test does not show that either
			fmt.Fprint(r.out, e.Output)
		}
		if e.Test == "" {
			return
		}
		r.said[id] = append(r.said[id], e.Output)
	case "fail":
		if e.Test != "" {
			fmt.Fprint(r.out, strings.Join(r.said[id], ""))
		}
		delete(r.said, id)
	case "skip":
		if e.Test == "" {
			return // a package without tests
		}
		if maySkip(e.Package, e.Test) {
			r.allowed++
		} else {
			r.skipped = append(r.skipped, id+"\n"+strings.Join(r.said[id], ""))
		}
		delete(r.said, id)
	case "pass":
		if e.Test != "" {
			r.passed++
		}
		delete(r.said, id)
	}
}

// finish prints the sum and fails if something was skipped that must not be. Tests
// that are not over, because their program crashed, have their say.
func (r *report) finish() error {
	for id, said := range r.said {
		fmt.Fprintf(r.out, "not over: %s\n%s", id, strings.Join(said, ""))
	}
	fmt.Fprintf(r.out, "%d tests passed, %d were skipped as they may be, in %v\n", r.passed, r.allowed, time.Since(r.began).Round(time.Second))
	if len(r.skipped) > 0 {
		return fmt.Errorf("%d tests were skipped, and are not in the table of those that may be (integration/testrun/skips.go):\n%s",
			len(r.skipped), strings.Join(r.skipped, ""))
	}
	return nil
}
