//go:build integration

package integration

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestOpenOfAFileThatIsGoing opens a file for reading when the mount has seen that nobody
// has it open, and is about to take its object away: it is opened as it is afterwards.
func TestOpenOfAFileThatIsGoing(t *testing.T) {
	unlink := func(dir string) error { return os.Remove(filepath.Join(dir, "f")) }
	replace := func(dir string) error { return os.Rename(filepath.Join(dir, "t"), filepath.Join(dir, "f")) }
	for name, c := range map[string]struct {
		take   func(dir string) error
		rule   fault.Rule
		denied bool
		want   string // what is read; "" if the file is not there any more
	}{
		"unlinked":           {take: unlink, rule: fault.Rule{Op: objstore.OpDelete}, want: ""},
		"replaced":           {take: replace, rule: fault.Rule{Op: objstore.OpCopy}, want: "new"},
		"not unlinked, then": {take: unlink, rule: fault.Rule{Op: objstore.OpDelete}, denied: true, want: "old"},
		"not replaced, then": {take: replace, rule: fault.Rule{Op: objstore.OpCopy}, denied: true, want: "old"},
	} {
		t.Run(name, func(t *testing.T) {
			profile, _ := objstore.ProfileByName("aws")
			store := fault.New(mem.New(profile))
			e := newEnv(t, store)
			rest := noise(cache.SmallFile) // else it is all read at once
			e.put("f", "old"+rest, nil)
			e.put("t", "new"+rest, nil)
			m := e.mount()
			gate := fault.NewGate()
			c.rule.Mode, c.rule.Gate = fault.Delay, gate
			e.store.Add(c.rule)
			if c.denied {
				store.Add(fault.Rule{Op: c.rule.Op, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			}
			taken, over := make(chan error), make(chan struct{})
			go func() { taken <- c.take(m.Dir) }()
			<-gate.Arrived()
			var got []byte
			var opened atomic.Bool
			read := make(chan error)
			go func() {
				f, err := os.Open(filepath.Join(m.Dir, "f"))
				opened.Store(true)
				<-over
				if err == nil {
					got, err = io.ReadAll(f)
					_ = f.Close()
				}
				read <- err
			}()
			e.eventually("it is open or waits", func() bool { return opened.Load() || running("fs.(*gate).enter") })
			gate.Open()
			if err := <-taken; c.denied != errors.Is(err, os.ErrPermission) {
				t.Error(err)
			}
			close(over)
			if err := <-read; (c.want == "") != errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
			e.want("what is read", string(got[:min(3, len(got))]), c.want)
		})
	}
}
