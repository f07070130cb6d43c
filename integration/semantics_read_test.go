//go:build integration

package integration

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func readClauses() map[string]clause {
	return map[string]clause{
		"R1": {run: func(e *env) {
			before, after := strings.Repeat("before..", 4<<20), strings.Repeat("after...", 4<<20)
			e.put("f", before, nil)
			m := e.mount()
			f := e.open(m, "f", os.O_RDONLY)
			b := make([]byte, 1<<20)
			_, err := f.ReadAt(b, 0)
			e.ok(err)
			e.put("f", after, nil)
			for off := int64(0); off < int64(len(before)); off += int64(len(b)) {
				_, err := f.ReadAt(b, off)
				if errors.Is(err, syscall.ESTALE) {
					break
				}
				e.ok(err)
				if string(b) != before[:len(b)] {
					e.Fatalf("at %d the read gives %s", off, short(string(b)))
				}
			}
		}},
		"R2": {run: func(e *env) {
			before, after := strings.Repeat("before..", 4<<20), strings.Repeat("after", 1<<20)
			e.put("f", before, nil)
			m := e.mount()
			f := e.open(m, "f", os.O_RDONLY)
			e.put("f", after, nil)
			if _, err := io.Copy(io.Discard, f); err != nil {
				e.fails("reading on", err, syscall.ESTALE)
			}
			e.eventually("the new object is read", func() bool {
				b, err := os.ReadFile(filepath.Join(m.Dir, "f"))
				return err == nil && string(b) == after
			})
		}},
		"R3": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "log", os.O_CREATE|os.O_RDWR)
			want := ""
			for range 5 {
				_, err := f.WriteString("line\n")
				e.ok(err)
				want += "line\n"
				e.want("another reads", m.Run("cat log")+"\n", want)
				b := make([]byte, len(want))
				_, err = f.ReadAt(b, 0)
				e.ok(err)
				e.want("the writer reads", string(b), want)
			}
			e.ok(f.Close())
			e.want("after close", e.read(m, "log"), want)
		}},
		"R4": {run: func(e *env) {
			text := noise(3 << 20)
			e.put("f", text, nil)
			e.put("g", text, nil)
			m := e.mount()
			f := e.open(m, "f", os.O_RDONLY)
			g := e.open(m, "g", os.O_RDWR)
			b := make([]byte, 10)
			_, err := f.ReadAt(b, 0)
			e.ok(err)
			e.ok(os.Remove(filepath.Join(m.Dir, "f")))
			e.ok(os.Remove(filepath.Join(m.Dir, "g")))
			e.want("names", e.names(m, "."), "")
			e.absent("f")
			for name, file := range map[string]*os.File{"f": f, "g": g} {
				all, err := io.ReadAll(file)
				e.ok(err)
				e.want(name, string(all), text)
				e.ok(file.Close())
			}
			e.eventually("nothing is left", func() bool { return len(e.keys()) == 0 })
		}},
	}
}
