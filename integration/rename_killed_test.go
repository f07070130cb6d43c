//go:build integration

package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// TestKilledRenameOfADirectory kills the mount in the middle of a rename, and has the
// next one do it again.
func TestKilledRenameOfADirectory(t *testing.T) {
	t.Parallel()
	const files = 60
	name := func(i int) string { return fmt.Sprintf("%d/f%02d", i%3, i) }
	content := func(i int) string { return strings.Repeat(fmt.Sprint("content ", i, "\n"), i+1) }
	for when, rule := range map[string]fault.Rule{
		"copies":    {Op: objstore.OpCopy, After: 20},
		"deletions": {Op: objstore.OpDeleteMany},
	} {
		t.Run(when, func(t *testing.T) {
			p := troubledPlace(t)
			for i := range files {
				p.put("d/"+name(i), content(i), nil)
			}
			gate := fault.NewGate()
			defer gate.Open()
			rule.Mode, rule.Gate = fault.Delay, gate
			active := p.store.Add(rule)
			m := p.begin()
			mv := m.feed("mv", "-T", "d", "e")
			<-gate.Arrived()
			m.signal(syscall.SIGKILL)
			m.eventually("the daemon ends", m.isOver)
			m.ok(exec.Command("umount", "-l", m.dir).Run())
			if state := mv.wait(); state.Success() {
				t.Error("mv has success")
			}
			active.Remove()
			gate.Open()
			if when == "deletions" { // as if the store had got that far
				for i := range 20 {
					p.ok(p.store.Delete(t.Context(), "d/"+name(i)))
				}
			}
			for i := range files { // whatever became of it
				got, there := p.get("d/" + name(i))
				if !there {
					got, _ = p.get("e/" + name(i))
				}
				p.want(name(i), got, content(i))
			}

			m = p.begin()
			mv = m.feed("mv", "-T", "d", "e")
			if state := mv.wait(); !state.Success() {
				t.Errorf("the same again: %v: %s", state, mv.said.String())
			}
			for i := range files {
				m.shows("e/"+name(i), content(i))
				p.stored("e/"+name(i), content(i))
			}
			m.unmount()
			for _, key := range p.keys() {
				if strings.HasPrefix(key, "d/") {
					t.Errorf("%s is left", key)
				}
			}
		})
	}
}
