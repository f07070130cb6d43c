//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// eightParts is a file of eight parts, the last of which is not whole.
const eightParts = 60 * mib

// copyOf starts a copy of a text into a file of the mount.
func (m *realMount) copyOf(key, text string) *feeder {
	m.Helper()
	w := m.feed("cp", "/dev/stdin", key)
	go func() {
		_, _ = strings.NewReader(text).WriteTo(w.in) // what it does not take, it says itself
		_ = w.in.Close()
	}()
	return w
}

// mustCopy copies a text into a file of the mount and looks at what is stored.
func (m *realMount) mustCopy(key, text string) {
	m.Helper()
	w := m.copyOf(key, text)
	if state := w.wait(); !state.Success() {
		m.Errorf("cp to %s: %v: %s", key, state, w.said.String())
		return
	}
	m.stored(key, text)
}

// mustFail wants a copy to end with a message, or one of those between bars.
func (m *realMount) mustFail(key, text, message string) {
	m.Helper()
	w := m.copyOf(key, text)
	matches := func(one string) bool { return strings.Contains(w.said.String(), one) }
	if state := w.wait(); state.Success() || !slices.ContainsFunc(strings.Split(message, "|"), matches) {
		m.Errorf("cp to %s: %v: %q, want %q", key, state, w.said.String(), message)
	}
}

// isAsItWas waits until a failed or killed writer has left nothing of its file, and
// looks at what was there before: "" is no object.
func (m *realMount) isAsItWas(key, old string) {
	m.Helper()
	m.noUploads(key)
	m.shows(key, old)
	if old != "" {
		m.stored(key, old)
	} else {
		m.absent(key)
	}
}

// TestTroubleForAWhile has a store fail a few times, in each way.
func TestTroubleForAWhile(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	large := noise(eightParts)
	for _, c := range []struct {
		name  string
		rules []fault.Rule
	}{
		{"500", []fault.Rule{{Op: objstore.OpUploadPart, Mode: fault.Fail, Status: 500, After: 1, Times: 3}}},
		{"503", []fault.Rule{{Op: objstore.OpUploadPart, Mode: fault.Fail, Status: 503, Code: "SlowDown", After: 2, Times: 3}}},
		{"dropped", []fault.Rule{{Op: objstore.OpUploadPart, Mode: fault.Drop, After: 3, Times: 3}}},
		{"corrupted", []fault.Rule{{Op: objstore.OpUploadPart, Mode: fault.Corrupt, At: 100_000, Times: 2}}},
		{"answer lost", []fault.Rule{{Op: objstore.OpUploadPart, Mode: fault.LoseAnswer, After: 1, Times: 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := m.in(t)
			m.store.Clear()
			failed := 0
			for _, r := range c.rules {
				m.store.Add(r)
				failed += r.Times
			}
			parts := m.requests(func() { m.mustCopy(c.name, large) }, objstore.OpUploadPart)
			if want := int64(8 + failed); parts != want {
				t.Errorf("%d parts were sent, want %d: those that failed once more", parts, want)
			}
		})
	}
	t.Run("everything", func(t *testing.T) {
		m := m.in(t)
		m.store.Clear()
		m.store.Add(fault.Rule{Mode: fault.Fail, Status: 503, Times: 4})
		m.store.Add(fault.Rule{Mode: fault.Drop, After: 5, Times: 4})
		for key, text := range map[string]string{"large": large, "small": "small"} {
			if w := m.copyOf(key, text); !w.wait().Success() {
				t.Errorf("cp to %s: %s", key, w.said.String())
			}
		}
		m.store.Clear()
		m.stored("large", large)
		m.stored("small", "small")
	})
	m.unmount()
}

// TestTroubleWithAnswers loses the answers of requests that change what is there,
// and has the store say in a 200 that it failed: cp makes files with O_EXCL, so a
// repetition finds a file in its way that is its own.
func TestTroubleWithAnswers(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	texts := map[string]string{objstore.OpPut: "small", objstore.OpComplete: noise(24 * mib), objstore.OpCreateMultipart: noise(24 * mib)}
	for _, mode := range []fault.Mode{fault.LoseAnswer, fault.Drop, fault.ErrorIn200} {
		for op, text := range texts {
			if mode == fault.ErrorIn200 && op != objstore.OpComplete {
				continue
			}
			t.Run(string(mode)+" "+op, func(t *testing.T) {
				m := m.in(t)
				for _, old := range []string{"", "old"} {
					m.store.Clear()
					key := fmt.Sprintf("%s-%s-%s", mode, op, old)
					if old != "" {
						m.put(key, old, nil)
						m.shows(key, old)
					}
					rule := m.store.Add(fault.Rule{Op: op, Mode: mode, Times: 2})
					m.mustCopy(key, text)
					m.shows(key, text)
					if rule.Hits() == 0 {
						t.Error("nothing happened to any request")
					}
				}
			})
		}
	}
	m.store.Clear()
	// An upload whose creation was answered to nobody is nobody's: the store has it
	// until a lifecycle rule takes it.
	m.cli.must("umount", m.dir)
	m.wantEnd(0)
}

// TestTroubleForGood has a store refuse, or fail for longer than anybody waits.
func TestTroubleForGood(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin("--retry-for=2s")
	large := noise(24 * mib)
	const denied, broken = "Permission denied", "Input/output error"
	type trouble struct {
		op, text, want string
		rule           fault.Rule
	}
	var all []trouble
	for op, text := range map[string]string{objstore.OpPut: "small", objstore.OpCreateMultipart: large, objstore.OpUploadPart: large, objstore.OpComplete: large} {
		all = append(all, trouble{op, text, denied, fault.Rule{Op: op, Mode: fault.Fail, Status: 403, Code: "AccessDenied"}},
			trouble{op, text, broken, fault.Rule{Op: op, Mode: fault.Fail, Status: 500}})
	}
	all = append(all, trouble{objstore.OpUploadPart, large, broken, fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Drop}},
		trouble{objstore.OpComplete, large, broken, fault.Rule{Op: objstore.OpComplete, Mode: fault.ErrorIn200}},
		trouble{objstore.OpUploadPart, large, broken, fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Corrupt, At: 4711}},
		trouble{objstore.OpPut, "small", broken, fault.Rule{Op: objstore.OpPut, Mode: fault.Corrupt, At: 3}})
	t.Run("each", func(t *testing.T) {
		for i, c := range all {
			t.Run(fmt.Sprintf("%s %s %d", c.op, c.rule.Mode, c.rule.Status), func(t *testing.T) {
				t.Parallel()
				m := m.in(t)
				c.rule.KeyContains = fmt.Sprintf("file%d-", i)
				for _, old := range []string{"", "old"} {
					if old == "" && c.want == broken {
						continue // takes its time
					}
					key := c.rule.KeyContains + old
					if old != "" {
						m.put(key, old, nil)
						m.shows(key, old)
					}
					rule := m.store.Add(c.rule)
					m.mustFail(key, c.text, c.want)
					rule.Remove()
					m.isAsItWas(key, old)
					m.mustCopy(key, c.text) // the trouble is over
				}
			})
		}
	})
	// What was refused is not stored, and the programs were told: no file is owed.
	m.unmount()
}

// TestTroubleReading spoils what is read.
func TestTroubleReading(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	text := noise(20 * mib)
	m.put("f", text, nil)
	m.store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Fail, Status: 503, Times: 3})
	m.store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Drop, After: 1, Times: 3})
	m.store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 1000, After: 1, Times: 3})
	m.shows("f", text)
	m.store.Clear()
	m.unmount()
}

// TestAskedToEnd sends SIGTERM to the daemon while a program writes: it may go on.
func TestAskedToEnd(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	text := noise(eightParts)
	w := m.feed("cp", "/dev/stdin", "f")
	w.give(text[:40*mib])
	m.writtenBack()
	m.parts("f")
	m.signal(syscall.SIGTERM)
	waitUntil(t, "the daemon has heard", func() bool { return strings.Contains(m.said.String(), "asked to end") })
	w.give(text[40*mib:])
	w.finish()
	m.wantEnd(0)
	m.stored("f", text)
	if m.uploads() != 0 {
		t.Error("unfinished uploads are left")
	}
}

// TestAskedTwiceToEnd sends SIGINT twice while the store does not answer at all.
func TestAskedTwiceToEnd(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	m.put("f", "old", nil)
	m.shows("f", "old")
	m.store.Add(fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Hang})
	w := m.copyOf("f", noise(eightParts))
	m.eventually("parts are on their way", func() bool { return m.store.Hits(objstore.OpUploadPart) > 0 })
	m.signal(syscall.SIGINT)
	waitUntil(t, "the daemon has heard", func() bool { return strings.Contains(m.said.String(), "asked to end") })
	if m.isOver() {
		t.Error("the daemon ended with a file open")
	}
	m.signal(syscall.SIGINT)
	m.wantEnd(3)
	if state := w.wait(); state.Success() {
		t.Error("cp succeeds with a file that is not stored")
	}
	m.stored("f", "old")
	m.noUploads("f")
}

// TestKilledDaemon ends the daemon in the middle of a copy, without warning.
func TestKilledDaemon(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	m.put("f", "old", nil)
	m.shows("f", "old")
	w := m.feed("cp", "/dev/stdin", "f")
	over := w.keepGiving(noise(mib))
	m.parts("f")
	m.signal(syscall.SIGKILL)
	if state := w.wait(); state.Success() || !strings.Contains(w.said.String(), "f': ") {
		t.Errorf("cp: %v: %s", state, w.said.String())
	}
	<-over
	m.stored("f", "old")
	if status, _, stderr := m.cli.run("umount", m.dir); status != 3 {
		t.Errorf("umount of a dead mount: exit status %d: %s", status, stderr)
	}
	again := m.begin()
	again.shows("f", "old")
	again.mustCopy("f", noise(24*mib))
	again.cli.must("umount", again.dir)
	again.wantEnd(0)
}

// TestUnmountBusy unmounts while the store has not answered to the end of a copy.
func TestUnmountBusy(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	gate := fault.NewGate()
	defer gate.Open()
	m.store.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.Delay, Gate: gate})
	text := noise(24 * mib)
	w := m.copyOf("f", text)
	<-gate.Arrived()
	m.cli.fails(1, "is busy: cp (pid ", "umount", m.dir) // which is in its close
	gate.Open()
	w.finish()
	m.unmount()
	m.stored("f", text)
}

// TestUnmountTells unmounts after copies that failed, of which one was done again.
func TestUnmountTells(t *testing.T) {
	t.Parallel()
	m := troubledPlace(t).begin()
	refused := m.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Status: 403, Code: "AccessDenied"})
	m.mustFail("lost", "text", "Permission denied")
	m.mustFail("again", "text", "Permission denied")
	refused.Remove()
	m.mustCopy("again", "text")
	status, stdout, stderr := m.cli.run("umount", m.dir)
	if status != 3 || !strings.Contains(stderr, `"lost" is not stored: `) || !strings.Contains(stdout, `"key": "lost"`) || strings.Contains(stdout, "again") {
		t.Errorf("umount: exit status %d: %s%s", status, stdout, stderr)
	}
	m.wantEnd(3)
}
