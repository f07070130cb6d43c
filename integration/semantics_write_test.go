//go:build integration

package integration

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/uploader"
)

// streamed is the size of a file that is sent in parts.
const streamed = 24 << 20

func writeClauses() map[string]clause {
	return map[string]clause{
		"W1": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_RDWR)
			g := e.open(m, "f", os.O_WRONLY)
			content := []byte(noise(3 << 20))
			const piece = 10007
			order := rand.New(rand.NewPCG(1, 2)).Perm(len(content) / piece)
			for i, at := range order {
				w := f
				if i%2 == 1 {
					w = g
				}
				_, err := w.WriteAt(content[at*piece:(at+1)*piece], int64(at*piece))
				e.ok(err)
			}
			end := int64(len(content) / piece * piece)
			_, err := g.WriteAt([]byte("end"), end+100_000)
			e.ok(err)
			e.ok(f.Close())
			e.ok(g.Close())
			want := string(content[:end]) + strings.Repeat("\x00", 100_000) + "end"
			e.stored("f", want)
			e.want("read", e.read(m, "f"), want)
		}},
		"W2": {run: func(e *env) {
			m := e.mount()
			if n := e.requests(func() { e.write(m, "small", noise(20<<20)) }, writing...); n != 1 {
				e.Errorf("a file of 20 MiB took %d requests, want 1", n)
			}
			f := e.open(m, "large", os.O_CREATE|os.O_WRONLY)
			text := noise(2 * streamed)
			_, err := f.WriteString(text)
			e.ok(err)
			completed := e.requests(func() {
				e.eventually("parts are at the store before close", func() bool {
					// What the kernel does by itself after a while.
					_ = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
					return e.store.Calls(objstore.OpUploadPart) >= 3
				})
			}, objstore.OpComplete)
			if completed != 0 || e.uploads() != 1 {
				e.Errorf("%d uploads are under way and %d were completed, want 1 and 0", e.uploads(), completed)
			}
			e.ok(f.Close())
			e.stored("large", text)
		}},
		"W3": {run: func(e *env) {
			e.put("f", "old", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC)
			g := e.open(m, "g", os.O_WRONLY|os.O_CREATE)
			for range 4 {
				for _, w := range []*os.File{f, g} {
					_, err := w.WriteString(noise(streamed / 4))
					e.ok(err)
				}
				e.stored("f", "old")
				e.absent("g")
			}
			e.ok(f.Close())
			e.ok(g.Close())
			e.stored("f", strings.Repeat(noise(streamed/4), 4))
		}},
		"W4": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_WRONLY)
			text := noise(streamed)
			_, err := f.WriteString(text)
			e.ok(err)
			e.want("another process reads", m.Run("cat f | sha256sum"), m.Run("head -c 25165824 f | sha256sum"))
			e.want("this one reads", e.read(m, "f"), text)
			_, err = f.WriteAt([]byte("patched"), 1000)
			e.ok(err)
			e.want("after a patch", e.read(m, "f"), text[:1000]+"patched"+text[1007:])
		}},
		"W5": {inMemory: "a real store's limit is too far away", run: func(e *env) {
			e.store.Profile().MaxObject = 30 << 20
			e.put("f", "old", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC|syscall.O_DIRECT)
			_, err := f.Write(make([]byte, 1<<20))
			e.ok(err)
			_, err = f.WriteAt(make([]byte, 1<<20), 30<<20)
			e.fails("write", err, syscall.EFBIG)
			e.fails("close", f.Close(), syscall.EFBIG)
			e.stored("f", "old")
		}},
		"W6": {run: func(e *env) {
			e.put("f", "0123456789", nil)
			m := e.mount()
			f := e.open(m, "f", os.O_RDWR)
			e.ok(f.Truncate(4))
			e.stored("f", "0123456789")
			e.want("read", e.read(m, "f"), "0123")
			e.ok(f.Truncate(6))
			_, err := f.WriteAt([]byte("X"), 5)
			e.ok(err)
			e.ok(f.Close())
			e.stored("f", "0123\x00X")
			f = e.open(m, "g", os.O_CREATE|os.O_WRONLY)
			e.ok(f.Truncate(1 << 20))
			_, err = f.WriteAt([]byte("in the middle"), 1000)
			e.ok(err)
			e.ok(f.Close())
			e.stored("g", strings.Repeat("\x00", 1000)+"in the middle"+strings.Repeat("\x00", 1<<20-1013))
			f = e.open(m, "g", os.O_WRONLY)
			e.fails("truncate", f.Truncate(1<<60), syscall.EFBIG)
			e.ok(f.Truncate(4))
			e.fails("truncate", f.Truncate(1<<60), syscall.EFBIG)
			e.ok(f.Close())
			e.stored("g", "\x00\x00\x00\x00")
			e.fails("truncate", os.Truncate(filepath.Join(m.Dir, "g"), 1<<60), syscall.EFBIG)
			e.stored("g", "\x00\x00\x00\x00")
			e.want("read", e.read(m, "g"), "\x00\x00\x00\x00")
			f = e.open(m, "h", os.O_CREATE|os.O_WRONLY)
			e.fails("truncate", f.Truncate(1<<60), syscall.EFBIG)
			e.ok(f.Close())
			e.stored("h", "")
		}},
		"W7": {run: func(e *env) {
			e.put("f", "0123456789", nil)
			m := e.mount()
			for _, step := range []struct {
				size int64
				want string
			}{{4, "0123"}, {6, "0123\x00\x00"}, {0, ""}, {3, "\x00\x00\x00"}} {
				e.ok(os.Truncate(filepath.Join(m.Dir, "f"), step.size))
				e.stored("f", step.want)
				e.want("read", e.read(m, "f"), step.want)
			}
			e.fails("truncate of nothing", os.Truncate(filepath.Join(m.Dir, "nothing"), 1), syscall.ENOENT)
			// As if it had been closed, and the mount did not know yet.
			made := e.open(m, "made", os.O_WRONLY|os.O_CREATE)
			other, err := unix.Dup(int(made.Fd()))
			e.ok(err)
			e.ok(unix.Close(other))
			e.ok(os.Truncate(filepath.Join(m.Dir, "made"), 2))
			e.stored("made", "\x00\x00")
			e.ok(made.Close())
			// What was written is with the kernel still, and the file never was what it is
			// without that.
			written := e.open(m, "written", os.O_WRONLY|os.O_CREATE)
			_, err = written.WriteString("0123456789")
			e.ok(err)
			e.ok(os.Truncate(filepath.Join(m.Dir, "written"), 4))
			e.absent("written")
			e.ok(written.Close())
			e.stored("written", "0123")
		}},
		"W8": {run: func(e *env) {
			m := e.mount()
			f := e.open(m, "f", os.O_CREATE|os.O_RDWR)
			_, err := f.WriteString("0123456789")
			e.ok(err)
			fd := int(f.Fd())
			e.ok(syscall.Fallocate(fd, 0, 0, 12))
			e.ok(syscall.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 1<<20))
			e.ok(syscall.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 2, 3))
			e.ok(syscall.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 11, 3))
			e.fails("collapse", syscall.Fallocate(fd, unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096), syscall.EOPNOTSUPP)
			e.fails("insert", syscall.Fallocate(fd, unix.FALLOC_FL_INSERT_RANGE, 0, 4096), syscall.EOPNOTSUPP)
			e.fails("allocate", syscall.Fallocate(fd, 0, 0, 1<<60), syscall.EFBIG)
			e.fails("zero", syscall.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 0, 1<<60), syscall.EFBIG)
			e.ok(f.Close())
			e.stored("f", "01\x00\x00\x0056789\x00\x00\x00\x00")
		}},
		"W9": {run: func(e *env) {
			m := e.mount()
			text := noise(100_000)
			text = strings.Map(func(r rune) rune { return 'a' + r&15 }, text)[:9000]
			c := e.start(m, "mmap", "f", text)
			c.finish()
			e.stored("f", text)
		}},
		"W10": {run: func(e *env) {
			e.put("f", "old", nil)
			m := e.mount()
			rule := e.store.Add(fault.Rule{Op: objstore.OpUploadPart, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC|syscall.O_DIRECT)
			block := []byte(noise(1 << 20))
			var err error
			for i := 0; err == nil && i < 1000; i++ {
				_, err = f.Write(block)
			}
			e.fails("write", err, syscall.EACCES)
			rule.Remove()
			_, err = f.Write(block)
			e.fails("a later write", err, syscall.EACCES)
			e.fails("fsync", f.Sync(), syscall.EACCES)
			e.fails("close", f.Close(), syscall.EACCES)
			e.stored("f", "old")
			e.eventually("the upload is aborted", func() bool { return e.uploads() == 0 })
		}},
		"W11": {run: func(e *env) {
			e.put("f", "old", nil)
			m := e.mount()
			for range 20 { // who tries again at once does not meet the failure
				rule := e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
				err := os.WriteFile(filepath.Join(m.Dir, "f"), []byte("new and longer"), 0o644)
				e.fails("write", err, syscall.EACCES)
				rule.Remove()
				e.write(m, "f", "second")
				e.stored("f", "second")
			}
			e.write(m, "f", "old")
			rule := e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			err := os.WriteFile(filepath.Join(m.Dir, "f"), []byte("new and longer"), 0o644)
			e.fails("write", err, syscall.EACCES)
			rule.Remove()
			e.eventually("the name shows what is stored", func() bool {
				b, err := os.ReadFile(filepath.Join(m.Dir, "f"))
				return err == nil && string(b) == "old" && e.stat(m, "f").Size == 3
			})
			e.write(m, "f", "second try")
			e.stored("f", "second try")
			readOnlyCreatorOfAFailedFile(e, m)
		}},
		"W13": {inMemory: "TestSizeHasNoWall has it on real stores", run: func(e *env) {
			scaleDown(e.store.Profile())
			writePastTheWall(e)
		}},
		"W14": {run: func(e *env) {
			e.put("f", "old", nil)
			m := e.mount()
			text := noise(streamed)
			begin := func() *os.File {
				f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC)
				parts := e.store.Calls(objstore.OpUploadPart)
				_, err := f.WriteString(text)
				e.ok(err)
				e.ok(unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE))
				e.eventually("a part is sent", func() bool { return e.store.Calls(objstore.OpUploadPart) > parts })
				return f
			}
			rename := func() error { return os.Rename(filepath.Join(m.Dir, "f"), filepath.Join(m.Dir, "g")) }

			f := begin()
			gate := fault.NewGate()
			defer gate.Open()
			back := e.store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Delay, Gate: gate, After: 2})
			renamed := make(chan error)
			go func() { renamed <- rename() }()
			<-gate.Arrived()
			if sent, _ := e.get("f"); sent == "old" {
				e.Errorf("it is not what was sent that is copied aside")
			}
			back.Remove()
			gate.Open()
			e.ok(<-renamed)
			e.ok(f.Close())
			e.stored("g", text)
			e.absent("f")

			e.write(m, "f", "older")
			f = begin()
			back = e.store.Add(fault.Rule{Op: objstore.OpCopy, Mode: fault.Fail, Kind: objstore.ErrAccessDenied, After: 2})
			e.fails("rename", rename(), syscall.EIO)
			back.Remove()
			e.fails("close", f.Close(), syscall.EIO)
			failed, _ := m.Uploader.Failures()
			if len(failed) != 1 || !errors.Is(failed[0].Err, uploader.ErrNotRestored) {
				e.Fatalf("failures: %v", failed)
			}
			_, key, _ := strings.Cut(failed[0].Err.Error(), "\"")
			key, _, _ = strings.Cut(key, "\"")
			e.stored(key, "older")
			e.ok(e.store.Delete(e.Context(), key))
			e.write(m, "f", "again")
			e.stored("f", "again")
		}},
		"W12": {run: func(e *env) {
			m := e.mount()
			e.write(m, "f", "program")
			e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o755|os.ModeSetuid|os.ModeSetgid))
			if mode := e.stat(m, "f").Mode & 0o7777; mode != 0o6755 {
				e.Fatalf("mode %o, want 6755", mode)
			}
			f := e.open(m, "f", os.O_WRONLY|os.O_APPEND)
			_, err := f.WriteString(" with a patch")
			e.ok(err)
			e.ok(f.Close())
			m.Unmount()
			m = e.mount()
			if mode := e.stat(m, "f").Mode & 0o7777; mode != 0o755 {
				e.Errorf("mode %o after a write, want 755", mode)
			}
		}},
	}
}

// readOnlyCreatorOfAFailedFile makes a file by a descriptor that can only read, as
// `flock --shared` does, and keeps it while another that writes fails.
func readOnlyCreatorOfAFailedFile(e *env, m *mounttest.Mount) {
	for _, stored := range []string{"", "what was there"} {
		flags := os.O_RDONLY | os.O_CREATE
		if stored != "" {
			e.write(m, "lock", stored)
			flags |= os.O_TRUNC
		}
		reader := e.open(m, "lock", flags)
		rule := e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
		writer := e.open(m, "lock", os.O_WRONLY)
		_, err := writer.WriteString("never stored")
		e.ok(err)
		e.fails("close", writer.Close(), syscall.EACCES)
		rule.Remove()
		e.eventually("the name shows what is stored", func() bool {
			b, err := os.ReadFile(filepath.Join(m.Dir, "lock"))
			return stored == "" && errors.Is(err, os.ErrNotExist) || stored != "" && err == nil && string(b) == stored
		})
		e.write(m, "lock", "second try")
		e.ok(reader.Close())
		e.stored("lock", "second try")
		e.ok(os.Remove(filepath.Join(m.Dir, "lock")))
	}

	reader := e.open(m, "lock", os.O_RDONLY|os.O_CREATE)
	e.write(m, "lock", "what was there")
	rule := e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	e.fails("truncate", os.Truncate(filepath.Join(m.Dir, "lock"), 5), syscall.EACCES)
	rule.Remove()
	e.eventually("the name of what could not be cut shows what is stored", func() bool {
		b, err := os.ReadFile(filepath.Join(m.Dir, "lock"))
		return err == nil && string(b) == "what was there"
	})
	e.ok(reader.Close())
	e.ok(os.Remove(filepath.Join(m.Dir, "lock")))

	// The kernel sends the RELEASE of a writer when it likes.
	reader = e.open(m, "lock", os.O_RDONLY|os.O_CREATE)
	writer := e.open(m, "lock", os.O_WRONLY)
	rule = e.store.Add(fault.Rule{Op: objstore.OpPut, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	_, err := writer.WriteString("never stored")
	e.ok(err)
	e.fails("fsync", writer.Sync(), syscall.EACCES)
	closed := make(chan error, 1)
	go func() { closed <- reader.Close() }()
	e.fails("close of who wrote", writer.Close(), syscall.EACCES)
	if err := <-closed; err != nil {
		e.Errorf("close of who only reads: %v", err)
	}
	rule.Remove()
}
