//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestRenameWhoseDeleteFails goes on under the old name after a rename that could
// not delete: what is written there must not end up in the copy.
func TestRenameWhoseDeleteFails(t *testing.T) {
	appendTo := func(e *env, name, text string) {
		e.Helper()
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		e.ok(err)
		_, err = f.WriteString(text)
		e.ok(err)
		e.ok(f.Close())
	}
	for name, test := range map[string]func(e *env, old, new string, fail func() *fault.Active){
		"closed": func(e *env, old, new string, fail func() *fault.Active) {
			rule := fail()
			e.fails("rename", os.Rename(old, new), syscall.EACCES)
			rule.Remove()
			appendTo(e, old, "+more")
			e.stored("old", "content+more")
			e.ok(os.Rename(old, new))
			e.stored("new", "content+more")
			e.absent("old")
		},
		"over another": func(e *env, old, new string, fail func() *fault.Active) {
			e.ok(os.WriteFile(new, []byte("replaced"), 0o644))
			rule := fail()
			e.fails("rename", os.Rename(old, new), syscall.EACCES)
			rule.Remove()
			appendTo(e, old, "+more")
			e.stored("old", "content+more")
			e.stored("new", "content")
			e.ok(os.Rename(old, new))
			e.stored("new", "content+more")
			e.absent("old")
		},
		"open for reading": func(e *env, old, new string, fail func() *fault.Active) {
			f, err := os.Open(old)
			e.ok(err)
			defer f.Close()
			rule := fail()
			e.fails("rename", os.Rename(old, new), syscall.EACCES)
			rule.Remove()
			b := make([]byte, 7)
			_, err = f.ReadAt(b, 0)
			e.ok(err)
			e.want("content", string(b), "content")
		},
		"open for writing": func(e *env, old, new string, fail func() *fault.Active) {
			f, err := os.OpenFile(old, os.O_WRONLY|os.O_APPEND, 0)
			e.ok(err)
			_, err = f.WriteString("+one")
			e.ok(err)
			rule := fail()
			e.fails("rename", os.Rename(old, new), syscall.EACCES)
			rule.Remove()
			_, err = f.WriteString("+two")
			e.ok(err)
			e.ok(f.Close())
			e.stored("old", "content+one+two")
		},
		"streaming over another": func(e *env, old, new string, fail func() *fault.Active) {
			// The file takes the name of an object, which goes with its first commit.
			f, err := os.OpenFile(new, os.O_CREATE|os.O_WRONLY, 0o644)
			e.ok(err)
			large := noise(streamed)
			_, err = f.WriteString(large)
			e.ok(err)
			e.ok(os.Rename(new, old))
			rule := fail()
			e.fails("rename", os.Rename(old, new), syscall.EACCES)
			rule.Remove()
			_, err = f.WriteString("end")
			e.ok(err)
			e.ok(f.Close())
			e.stored("old", large+"end")
			e.absent("new")
		},
		"deleted, but the answer got lost": func(e *env, old, new string, fail func() *fault.Active) {
			e.store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "old", Mode: fault.LoseAnswer, Times: 1})
			e.ok(os.Rename(old, new))
			e.stored("new", "content")
			e.absent("old")
			appendTo(e, new, "+more")
			e.stored("new", "content+more")
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			profile, _ := objstore.ProfileByName("aws")
			e := newEnv(t, mem.New(profile))
			e.put("old", "content", nil)
			m := e.mount()
			test(e, filepath.Join(m.Dir, "old"), filepath.Join(m.Dir, "new"), func() *fault.Active {
				return e.store.Add(fault.Rule{Op: objstore.OpDelete, KeyContains: "old", Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			})
		})
	}
}
