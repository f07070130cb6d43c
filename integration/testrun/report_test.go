package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name, events  string
		shows, hides  string
		fails, passed string
	}{
		{name: "Passed", events: `{"Action":"run","Package":"p","Test":"T"}
{"Action":"output","Package":"p","Test":"T","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"T"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`, shows: "ok  \tp\t0.1s\n", hides: "chatter", passed: "1 tests passed"},
		{name: "Failed", events: `{"Action":"output","Package":"p","Test":"T","Output":"what is wrong\n"}
{"Action":"output","Package":"p","Test":"U","Output":"chatter\n"}
{"Action":"fail","Package":"p","Test":"T"}
{"Action":"pass","Package":"p","Test":"U"}
`, shows: "what is wrong", hides: "chatter", passed: "1 tests passed"},
		{name: "Crashed", events: `{"Action":"output","Package":"p","Test":"T","Output":"panic: at last\n"}
{"Action":"fail","Package":"p"}
`, shows: "panic: at last"},
		{name: "Skipped", events: `{"Action":"output","Package":"p","Test":"T/sub","Output":"no time today\n"}
{"Action":"skip","Package":"p","Test":"T/sub"}
{"Action":"pass","Package":"p","Test":"T"}
`, fails: "no time today"},
		{name: "NoTests", events: `{"Action":"skip","Package":"p"}
`},
		{name: "DoesNotBuild", events: `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined\n"}
go: something else
`, shows: "p.go:1: undefined\ngo: something else\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			err := r.finish()
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("ends with %v, want %q", err, tt.fails)
			}
			for _, want := range []string{tt.shows, tt.passed} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("there is no %q in\n%s", want, out.String())
				}
			}
			if tt.hides != "" && strings.Contains(out.String(), tt.hides) {
				t.Errorf("there is %q in\n%s", tt.hides, out.String())
			}
		})
	}
}

// Each skip has its reason.
func TestSkipsHaveReasons(t *testing.T) {
	for name, reason := range skips {
		if reason == "" {
			t.Errorf("%s may be skipped for no reason", name)
		}
	}
}
