//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

func closeClauses() map[string]clause {
	return map[string]clause{
		"C1": {run: func(e *env) {
			m := e.mount()
			for name, text := range map[string]string{"small": "content", "large": noise(streamed)} {
				f := e.open(m, name, os.O_CREATE|os.O_WRONLY)
				_, err := f.WriteString(text)
				e.ok(err)
				e.ok(f.Close())
				e.stored(name, text)
			}
			e.store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "flipped", Mode: fault.Corrupt, At: 3, Times: 1})
			f := e.open(m, "flipped", os.O_CREATE|os.O_WRONLY)
			_, err := f.WriteString("content")
			e.ok(err)
			if f.Close() == nil {
				e.stored("flipped", "content")
			} else {
				e.absent("flipped")
			}
		}},
		"C2": {run: func(e *env) {
			refused := map[string]struct{ op, text string }{
				"put":      {objstore.OpPut, "new"},
				"create":   {objstore.OpCreateMultipart, noise(streamed)},
				"part":     {objstore.OpUploadPart, noise(streamed)},
				"complete": {objstore.OpComplete, noise(streamed)},
			}
			for name := range refused {
				e.put(name, "old", nil)
			}
			m := e.mount()
			for name, c := range refused {
				e.store.Add(fault.Rule{Op: c.op, KeyContains: name, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
				f := e.open(m, name, os.O_WRONLY|os.O_TRUNC)
				_, err := f.WriteString(c.text)
				if err == nil {
					err = f.Close()
				}
				e.fails(name, err, syscall.EACCES)
				_ = f.Close() // again, for those that failed at the write
				e.stored(name, "old")
			}
			e.eventually("all uploads are aborted", func() bool { return e.uploads() == 0 })
		}},
		"C3": {run: func(e *env) {
			e.put("f", "content", nil)
			m := e.mount()
			n := e.requests(func() {
				for _, flags := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND} {
					e.ok(e.open(m, "f", flags).Close())
				}
				m.Run("exec 3<>f; exec 4>&3; exec 4>&-; exec 3>&-")
			}, writing...)
			if n != 0 {
				e.Errorf("%d requests, want none", n)
			}
		}},
		"C4": {run: func(e *env) {
			m := e.mount()
			m.Run("exec 3>f; echo a >&3; echo b >&3; sync f; echo c >&3; exec 3>&-")
			e.stored("f", "a\nb\nc\n")
			f := e.open(m, "g", os.O_CREATE|os.O_WRONLY)
			d, err := syscall.Dup(int(f.Fd()))
			e.ok(err)
			_, err = f.WriteString("one ")
			e.ok(err)
			e.ok(syscall.Close(d))
			e.stored("g", "one ")
			_, err = f.WriteString("two")
			e.ok(err)
			e.ok(f.Close())
			e.stored("g", "one two")
		}},
		"C5": {run: func(e *env) {
			m := e.mount()
			for name, script := range map[string]string{
				"subshell": "( /bin/echo a; /bin/echo b ) > subshell",
				"group":    "{ echo a; /bin/echo b; } > group",
				"loop":     "for i in a b; do /bin/echo $i; done > loop",
				"exec":     "exec 3>exec; /bin/echo a >&3; /bin/echo b >&3; exec 3>&-",
				"tee":      "printf 'a\\nb\\n' | tee tee > tee2; cmp tee tee2",
			} {
				m.Run(script)
				e.stored(name, "a\nb\n")
			}
		}},
		"C6": {run: func(e *env) {
			m := e.mount()
			for _, shell := range []string{"bash", "sh"} {
				n := e.requests(func() { m.Run(shell + " -c 'echo hi > " + shell + "'") }, writing...)
				if n != 1 {
					e.Errorf("%s: %d requests, want 1", shell, n)
				}
				e.stored(shell, "hi\n")
			}
		}},
		"C7": {run: func(e *env) {
			e.put("emptied", "old", nil)
			m := e.mount()
			for name, script := range map[string]string{
				"touched":  "touch touched",
				"colon":    ": > colon",
				"emptied":  "> emptied",
				"copied":   "cp /dev/null copied",
				"sh":       "sh -c ': > sh'",
				"inherits": "( : ) > inherits",
			} {
				n := e.requests(func() {
					m.Run(script)
					e.eventually(name+" is stored", func() bool { got, there := e.get(name); return there && got == "" })
				}, writing...)
				if n != 1 {
					e.Errorf("%s: %d requests, want 1", script, n)
				}
			}
			f := e.open(m, "here", os.O_CREATE|os.O_WRONLY)
			e.ok(f.Close())
			e.stored("here", "")
			e.store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "refused", Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			for _, script := range []string{"touch refused1", ": > refused2", "cp /dev/null refused3"} {
				out, err := m.Try(script)
				if strings.HasPrefix(script, ":") {
					continue // the shell does not look at what close returns
				}
				if err == nil || !strings.Contains(out, "ermission denied") {
					e.Errorf("%s: %v: %s", script, err, out)
				}
			}
		}},
		"C8": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_RDWR)
			want := ""
			for _, piece := range []string{"first ", noise(streamed), " third"} {
				_, err := f.WriteString(piece)
				e.ok(err)
				e.ok(f.Sync())
				want += piece
				e.stored("f", want)
			}
			_, err := f.WriteAt([]byte("FIRST"), 0)
			e.ok(err)
			e.ok(syscall.Fdatasync(int(f.Fd())))
			e.stored("f", "FIRST"+want[5:])
			if n := e.requests(func() { e.ok(f.Sync()); e.ok(f.Close()) }, writing...); n != 0 {
				e.Errorf("fsync and close of a stored file: %d requests, want none", n)
			}
		}},
		"C9": {run: func(e *env) {
			m := e.mount()
			c := e.start(m, "hold", "f", "left open")
			c.expect("written")
			e.absent("f")
			c.finish()
			e.eventually("the file is stored", func() bool { got, _ := e.get("f"); return got == "left open" })
		}},
		"C10": {run: func(e *env) { killedWriters(e) }},
		"C11": {run: func(e *env) {
			m := e.mountWith(func(c *fs.Config) { c.OnWriterKilled = fs.KilledCommit })
			c := e.start(m, "hold", "f", "half a file")
			c.expect("written")
			c.kill(syscall.SIGKILL)
			e.eventually("the file is stored", func() bool { got, _ := e.get("f"); return got == "half a file" })
		}},
		"C12": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
			c := e.start(m, "hold", "f", "one ")
			c.expect("written")
			c.kill(syscall.SIGKILL)
			e.absent("f")
			_, err := f.WriteAt([]byte("two"), 4)
			e.ok(err)
			e.ok(f.Close())
			e.stored("f", "one two")
		}},
		"C13": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
			_, err := f.WriteString("safe")
			e.ok(err)
			e.ok(f.Sync())
			e.ok(f.Close())
			c := e.start(m, "hold", "f", "lost")
			c.expect("written")
			c.kill(syscall.SIGINT)
			e.eventually("the name shows what was stored", func() bool {
				b, err := os.ReadFile(filepath.Join(m.Dir, "f"))
				return err == nil && string(b) == "safe"
			})
			e.stored("f", "safe")
		}},
		"C14": {run: func(e *env) {
			m := e.mount()
			gate := fault.NewGate()
			e.store.Add(fault.Rule{Op: objstore.OpPut, KeyContains: "f", Mode: fault.Delay, Gate: gate})
			c := e.start(m, "hold", "f", "content")
			c.expect("written")
			e.ok(c.stdin.Close()) // it ends, and its close waits for the store
			<-gate.Arrived()
			for range 3 {
				e.ok(c.cmd.Process.Signal(syscall.SIGUSR1))
			}
			gate.Open()
			c.finish()
			e.stored("f", "content")
			signalledOperations(e)
			text := noise(streamed)
			signalled(func() { e.write(m, "g", text) })
			e.stored("g", text)
		}},
		"C15": {run: func(e *env) {
			m := e.mount()
			c := e.start(m, "late mmap", "f", "written behind the close")
			c.finish()
			e.eventually("the file is stored", func() bool { got, _ := e.get("f"); return got == "written behind the close" })
		}},
		"C16": {run: func(e *env) {
			m := e.mount()
			for _, how := range []string{"spawn", "python"} {
				c := e.start(m, how, how, "half ")
				c.expect("started")
				e.absent(how)
				c.finish()
				e.stored(how, "half a file")
				c = e.start(m, how, "new-"+how, "half ")
				c.expect("started")
				c.kill(syscall.SIGKILL)
				e.gone(m, "new-"+how)
			}
		}},
		"C17": {run: func(e *env) {
			forcedUnmount(e)
			forcedUnmountUnderAShell(e, fs.KilledAbort)
			forcedUnmountUnderAShell(e, fs.KilledCommit)
		}},
	}
}

// killedWriters kills programs in the middle of their writing, in all ways.
func killedWriters(e *env) {
	m := e.mount()
	for name, signal := range map[string]syscall.Signal{
		"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGHUP": syscall.SIGHUP,
	} {
		e.put("old-"+name, "old", nil)
		for prefix, size := range map[string]string{"new-": "noise 100", "old-": "noise 5000", "large-": "noise 25165824"} {
			key := prefix + name
			c := e.start(m, "hold", key, size)
			c.expect("written")
			c.kill(signal)
			e.gone(m, key)
		}
	}
	e.eventually("no upload is left", func() bool { return e.uploads() == 0 })
}

// gone waits until a killed writer's file shows what was there before.
func (e *env) gone(m *mounttest.Mount, key string) {
	e.Helper()
	want := strings.HasPrefix(key, "old-")
	e.eventually(key+" is as it was", func() bool {
		b, err := os.ReadFile(filepath.Join(m.Dir, key))
		if want {
			return err == nil && string(b) == "old"
		}
		return os.IsNotExist(err)
	})
	if want {
		e.stored(key, "old")
	} else {
		e.absent(key)
	}
}
