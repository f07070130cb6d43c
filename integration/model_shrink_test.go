//go:build integration

package integration

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a test that may fail without the test around it failing.
type recorder struct {
	testing.TB

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Error(args ...any)                 { r.fail(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.fail(fmt.Sprint(args...)); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) {
	r.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) fail(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, text)
}

// attempt runs a test and what it has to clean up, and returns how it failed.
func attempt(t testing.TB, do func(testing.TB)) error {
	r := &recorder{TB: t}
	run := func(f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	run(func() { do(r) })
	for _, f := range slices.Backward(r.cleanups) {
		run(f)
	}
	if len(r.failures) == 0 {
		return nil
	}
	return errors.New(strings.Join(r.failures, "\n"))
}

// alone plays a sequence on a mount of its own.
func (v variant) alone(t testing.TB, seq []operation) error {
	return v.play(t, []*trial{{name: "alone", seq: seq}})
}

// shrinking is how long a failing sequence is made shorter.
const shrinking = time.Minute

// shrink takes out of a failing sequence whatever it fails without, and shows
// what is left, to be played with -model.play or kept in model_regressions_test.go.
func (v variant) shrink(t testing.TB, tr *trial) {
	seq, err := tr.seq, v.alone(t, tr.seq)
	if err == nil {
		t.Errorf("sequence %s does not fail on a mount of its own", tr.name)
		return
	}
	deadline := time.Now().Add(shrinking)
	for size := len(seq) / 2; size > 0; {
		shorter := false
		for from := 0; from < len(seq) && time.Now().Before(deadline); {
			without := slices.Delete(slices.Clone(seq), from, min(from+size, len(seq)))
			if e := v.alone(t, without); e != nil {
				seq, err, shorter = without, e, true
			} else {
				from += size
			}
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	t.Errorf("sequence %s, in short: %v\n%s", tr.name, err, formatSequence(seq))
}
