//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

func errorClauses() map[string]clause {
	// answers fails every request that changes something.
	answers := func(e *env, kind error, errno syscall.Errno) {
		e.put("f", "old", nil)
		m := e.mount()
		at := func(name string) string { return filepath.Join(m.Dir, name) }
		e.want("before", e.read(m, "f"), "old")
		for _, op := range writing {
			e.store.Add(fault.Rule{Op: op, Mode: fault.Fail, Kind: kind})
		}
		e.fails("write", os.WriteFile(at("f"), []byte("new"), 0o644), errno)
		e.fails("write of a large file", os.WriteFile(at("large"), []byte(noise(streamed)), 0o644), errno)
		e.fails("mkdir", os.Mkdir(at("d"), 0o755), errno)
		e.eventually("the old file is back", func() bool { b, err := os.ReadFile(at("f")); return err == nil && string(b) == "old" })
		e.fails("rename", os.Rename(at("f"), at("g")), errno)
		e.fails("unlink", syscall.Unlink(at("f")), errno)
		e.fails("truncate", os.Truncate(at("f"), 1), errno)
		e.store.Clear()
		e.stored("f", "old")
		e.eventually("no upload is left", func() bool { return e.uploads() == 0 })
	}
	return map[string]clause{
		"E1": {run: func(e *env) {
			answers(e, objstore.ErrAccessDenied, syscall.EACCES)
			e.put("secret", "x", nil)
			m := e.mount()
			e.store.Add(fault.Rule{Op: objstore.OpGet, KeyContains: "secret", Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			_, err := os.ReadFile(filepath.Join(m.Dir, "secret"))
			e.fails("read", err, syscall.EACCES)
		}},
		"E2": {inMemory: "the faults are between the mount and the store", run: func(e *env) {
			patient := retry.New(e.store, retry.Config{For: time.Minute, Base: time.Millisecond, Cap: 10 * time.Millisecond})
			m := mounttest.New(e, patient, mounttest.Options{Leftovers: true}) // an upload of which the answer was lost
			for _, mode := range []fault.Mode{fault.Fail, fault.Drop, fault.LoseAnswer} {
				for _, op := range []string{objstore.OpPut, objstore.OpCreateMultipart, objstore.OpUploadPart, objstore.OpComplete} {
					e.store.Add(fault.Rule{Op: op, After: 1, Times: 1, Mode: mode})
				}
				for _, name := range []string{"small1", "small2", "large1", "large2"} {
					text := "content"
					if name[0] == 'l' {
						text = noise(streamed)
					}
					e.write(m, name, text)
					e.stored(name, text)
				}
				e.store.Clear()
			}
		}},
		"E3": {run: func(e *env) { answers(e, objstore.ErrUnavailable, syscall.EIO) }},
		"E4": {run: func(e *env) { answers(e, objstore.ErrNoSpace, syscall.ENOSPC) }},
		"X1": {run: func(e *env) {
			m := e.mount()
			e.write(m, "f", "x")
			e.fails("link", os.Link(filepath.Join(m.Dir, "f"), filepath.Join(m.Dir, "g")), syscall.EPERM)
		}},
		"X2": {run: func(e *env) {
			m := e.mount()
			e.write(m, "f", "f")
			e.write(m, "g", "g")
			for _, flags := range []uint{unix.RENAME_EXCHANGE, unix.RENAME_WHITEOUT} {
				err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(m.Dir, "f"), unix.AT_FDCWD, filepath.Join(m.Dir, "g"), flags)
				e.fails("rename", err, syscall.EINVAL)
			}
			e.stored("f", "f")
			e.stored("g", "g")
		}},
		"X3": {run: xattrsRefused},
		"X4": {run: func(e *env) {
			m := e.mount()
			_, err := unix.Open(m.Dir, unix.O_TMPFILE|unix.O_RDWR, 0o600)
			e.fails("O_TMPFILE", err, syscall.EOPNOTSUPP)
		}},
	}
}
