//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
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
		"R5": {run: func(e *env) {
			const size, piece = 24 << 20, 64 << 10
			text := noise(size)
			e.put("f", text, nil)
			e.put("g", text, nil)
			m := e.mount()
			e.want("f", e.read(m, "f"), text)
			if s := m.Cache.Stats(); s.Fetched != size || s.Gets > 30 {
				e.Errorf("%d bytes fetched of %d, by %d requests", s.Fetched, size, s.Gets)
			}
			f := e.open(m, "g", os.O_RDONLY)
			before := m.Cache.Stats()
			b := make([]byte, piece)
			at := []int64{7, 100, 51, 201, 13, 160, 88, 240, 30, 300, 120, 190, 64, 222, 2, 140, 330, 75, 280, 180}
			for _, i := range at { // neither in a row nor at equal distances
				off := i*piece + 12345
				_, err := f.ReadAt(b, off)
				e.ok(err)
				e.want("g", string(b), text[off:][:piece])
			}
			after := m.Cache.Stats()
			gets, bytes := after.Gets-before.Gets, after.Fetched-before.Fetched
			if n := int64(len(at)); gets > n || float64(bytes) > 1.3*float64(n*piece) {
				e.Errorf("%d requests for %d reads, %.2f times the bytes", gets, n, float64(bytes)/float64(n*piece))
			}
		}},
		"R6": {run: func(e *env) {
			before, after := noise(3<<20), noise(2<<20)
			e.put("f", before, nil)
			m := e.mount()
			e.want("first", e.read(m, "f"), before)
			if n := m.Cache.Stats().Served; n < 3<<20 {
				e.Fatalf("%d bytes were read through the mount", n)
			}
			served := m.Cache.Stats().Served
			e.want("again", e.read(m, "f"), before)
			if n := m.Cache.Stats().Served - served; n != 0 {
				e.Errorf("%d bytes were read through the mount again", n)
			}
			e.put("f", after, nil)
			e.eventually("the new object is read", func() bool { return e.read(m, "f") == after })
		}},
		"R7": {run: func(e *env) {
			text := noise(256 << 10)
			e.put("f", text, nil)
			m := e.mount()
			f := e.open(m, "f", os.O_RDONLY)
			e.eventually("it is fetched", func() bool { return m.Cache.Stats().Gets == 1 })
			b, err := io.ReadAll(f)
			e.ok(err)
			e.want("f", string(b), text)
			e.want("again", e.read(m, "f"), text)
			if s := m.Cache.Stats(); s.Gets != 1 || s.Fetched != int64(len(text)) {
				e.Errorf("%d bytes by %d requests", s.Fetched, s.Gets)
			}
		}},
		"R8": {run: func(e *env) {
			text := noise(3 << 20)
			m := e.mount()
			once := func(name string) int64 {
				f := e.open(m, name, os.O_CREATE|os.O_RDWR)
				_, err := f.WriteString(text)
				e.ok(err)
				return e.requests(func() {
					b := make([]byte, len(text))
					_, err = f.ReadAt(b, 0)
					e.ok(err)
					e.want("while it is written", string(b), text)
					e.want("by another", e.read(m, name), text)
					past := e.open(m, name, os.O_RDONLY|syscall.O_DIRECT) // past the kernel's pages
					_, err = past.ReadAt(b, 0)
					e.ok(errors.Join(err, past.Close()))
					e.want("from the mount", string(b), text)
					e.ok(f.Close())
					e.want("after that", e.read(m, name), text)
				}, objstore.OpGet)
			}
			// The kernel may drop a page at any time, of which nobody is told.
			var n int64
			for _, name := range []string{"f", "again", "once more"} {
				if n = once(name); n == 0 {
					return
				}
			}
			e.Errorf("%d GETs", n)
		}},
		"R9": {run: func(e *env) {
			text := noise(2<<20 + 100)
			e.put("f", text, nil)
			m := e.mount()
			e.want("a program", m.Run("cp /bin/echo ./p && chmod 755 p && ./p it runs"), "it runs")
			e.want("a script", m.Run("printf '#!/bin/sh\necho so does $1\n' > s && chmod 755 s && ./s this"), "so does this")
			e.want("direct", m.Run("dd if=f iflag=direct bs=64k status=none | cmp - f && echo same"), "same")
			m.Unmount()
			m = e.mount() // nothing of it is in the kernel
			e.want("mapped", m.Run(`python3 -c '
import mmap
with open("f", "rb") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    print(len(m), m[1<<20:(1<<20)+100] == open("f", "rb").read()[1<<20:(1<<20)+100])'`), fmt.Sprint(len(text), " True"))
		}},
		"R10": {inMemory: "the faults are between the mount and the store", run: func(e *env) {
			text := noise(12 << 20)
			e.put("f", text, nil)
			patient := retry.New(e.store, retry.Config{For: time.Minute, Base: time.Millisecond, Cap: 10 * time.Millisecond})
			for _, rule := range []fault.Rule{
				{Mode: fault.Truncate, At: 100_000, Times: 3}, {Mode: fault.Truncate, At: 0, Times: 2}, {Mode: fault.Drop, Times: 3}, {Mode: fault.Fail, Times: 3},
			} {
				m := mounttest.New(e, patient, mounttest.Options{})
				rule.Op = objstore.OpGet
				e.store.Add(rule)
				e.want(string(rule.Mode), e.read(m, "f"), text)
				e.store.Clear()
				m.Unmount()
			}
			// Connections that get stuck, while others do not.
			watchful := retry.New(e.store, retry.Config{Silence: 50 * time.Millisecond, Base: time.Millisecond})
			m := mounttest.New(e, watchful, mounttest.Options{})
			e.store.Add(fault.Rule{Op: objstore.OpGet, After: 1, Mode: fault.Stall, At: 100_000, Times: 2})
			before := e.store.Hits(objstore.OpGet)
			e.want("stall", e.read(m, "f"), text)
			if n := e.store.Hits(objstore.OpGet) - before; n != 2 {
				e.Errorf("%d answers got stuck, want 2", n)
			}
			e.store.Clear()
			m.Unmount()
			m = mounttest.New(e, patient, mounttest.Options{})
			e.store.Add(fault.Rule{Op: objstore.OpGet, Mode: fault.Truncate, At: 100_000, Times: 1})
			gate := fault.NewGate()
			e.store.Add(fault.Rule{Op: objstore.OpGet, After: 1, Mode: fault.Delay, Gate: gate})
			f := e.open(m, "f", os.O_RDONLY)
			done := make(chan error, 1)
			go func() {
				b, err := io.ReadAll(f)
				if err == nil && string(b) != text {
					err = errors.New("two versions are mixed")
				}
				done <- err
			}()
			e.eventually("the first answer broke off", func() bool { return e.store.Calls(objstore.OpGet) >= 2 })
			e.put("f", noise(12<<20+1), nil)
			gate.Open()
			e.fails("another object", <-done, syscall.ESTALE)
		}},
		"R11": {inMemory: "the fault is between the mount and the store", run: func(e *env) {
			for _, size := range []int{1000, 3 << 20} {
				text := noise(size)
				name := fmt.Sprint("f", size)
				e.put(name, text, nil)
				m := e.mount()
				e.store.Add(fault.Rule{Op: objstore.OpGet, KeyContains: name, Mode: fault.Corrupt, At: 500, Times: 1})
				_, err := os.ReadFile(filepath.Join(m.Dir, name))
				e.fails("reading what is damaged", err, syscall.EIO)
				e.eventually("it is read when it is sound", func() bool {
					b, err := os.ReadFile(filepath.Join(m.Dir, name))
					if err == nil && string(b) != text {
						e.Fatal("a wrong byte is shown")
					}
					return err == nil
				})
			}
		}},
		"R12": {run: func(e *env) {
			text := noise(5<<20 + 17)
			e.put("f", text, nil)
			dir := e.TempDir()
			begin := func() *mounttest.Mount {
				return mounttest.New(e, e.store, mounttest.Options{Cache: func(c *cache.Config) {
					c.DiskDir, c.DiskSize, c.DiskName = dir, 1<<30, "e"
				}})
			}
			first := begin()
			e.want("first", e.read(first, "f"), text)
			first.Unmount()
			a, b := begin(), begin()
			for _, m := range []*mounttest.Mount{a, b} {
				if n := e.requests(func() { e.want("from the disk", e.read(m, "f"), text) }, objstore.OpGet); n != 0 {
					e.Errorf("%d GETs", n)
				}
				m.Unmount()
			}
			spoil(e.T, dir, func(b []byte) { b[3<<20] ^= 1 })
			if n := e.requests(func() { e.want("spoiled", e.read(begin(), "f"), text) }, objstore.OpGet); n == 0 {
				e.Error("a spoiled block was not fetched again")
			}
		}},
		"R13": {inMemory: "versitygw keeps no keys", run: func(e *env) {
			open, secret := noise(2<<20), noise(2<<20)
			key := objstore.SSE{Mode: "c", CustomerKey: bytes.Repeat([]byte("k"), 32)}
			e.put("open", open, nil)
			_, err := e.store.Put(e.Context(), "secret", objstore.Body{Reader: strings.NewReader(secret), Size: int64(len(secret))},
				objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{SSE: key}})
			e.ok(err)
			dir := e.TempDir()
			for name, text := range map[string]string{"open": open, "secret": secret} {
				m := mounttest.New(e, e.store, mounttest.Options{Cache: func(c *cache.Config) {
					c.DiskDir, c.DiskSize, c.DiskName = dir, 1<<30, "e"
					if name == "secret" {
						c.SSE = key
					}
				}})
				e.want(name, e.read(m, name), text)
				m.Unmount() // what waits for the disk is written
			}
			kept := map[bool]int{}
			e.ok(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.Name() != "data" {
					return err
				}
				b, err := os.ReadFile(path)
				kept[string(b) == open]++
				return err
			}))
			if kept[true] != 1 || kept[false] != 0 {
				e.Errorf("%d files of the open object are kept, and %d others", kept[true], kept[false])
			}
		}},
	}
}
