//go:build integration

package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// pythonCopy copies its standard input to a file, and dies of signals as other
// programs do: Python itself would close the file before, or not hear of them.
const pythonCopy = `
import os, resource, shutil, signal, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for s in signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ: signal.signal(s, signal.SIG_DFL)
with open(sys.argv[1], "wb") as f: shutil.copyfileobj(sys.stdin.buffer, f, 1 << 18)`

// pythonPieces writes a piece of a file for each line of its standard input, which
// is "offset count", and "sync" or "close", and answers each when it is done.
const pythonPieces = `
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
for line in sys.stdin:
    word = line.split()
    if word[0] == "sync": os.fsync(fd)
    elif word[0] == "close": os.close(fd)
    else:
        at, n = int(word[0]), int(word[1])
        while n > 0:
            k = os.pwrite(fd, word[2].encode() * min(n, 1 << 20), at)
            at += k; n -= k
    print("done", line, end="", flush=True)`

// TestKilledWriters kills programs in the middle of a big file.
func TestKilledWriters(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	programs := map[string]func(key string) []string{
		"cp":     func(key string) []string { return []string{"cp", "/dev/stdin", key} },
		"dd":     func(key string) []string { return []string{"dd", "of=" + key, "bs=1M", "status=none"} },
		"python": func(key string) []string { return []string{"python3", "-c", pythonCopy, key} },
	}
	signals := map[string]syscall.Signal{
		"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGHUP": syscall.SIGHUP,
		"SIGQUIT": syscall.SIGQUIT, "SIGSEGV": syscall.SIGSEGV, "SIGABRT": syscall.SIGABRT, "SIGBUS": syscall.SIGBUS,
		"SIGPIPE": syscall.SIGPIPE, "SIGXFSZ": syscall.SIGXFSZ,
	}
	each := []string{"SIGKILL", "SIGTERM", "SIGINT"} // of programs that are like others
	t.Run("each", func(t *testing.T) {
		for program, args := range programs {
			for name, signal := range signals {
				if program != "python" && !slices.Contains(each, name) {
					continue
				}
				if program == "dd" && signal == syscall.SIGINT {
					continue // it closes its output in order: see TestKilledWriterThatCloses
				}
				key := program + "-" + name
				t.Run(key, func(t *testing.T) {
					t.Parallel()
					m.in(t).killedWhileCopying(signal, key, "", args(key))
					m.in(t).killedWhileCopying(signal, key+"-old", "old", args(key+"-old"))
				})
			}
		}
	})
	m.unmount()
}

// in is the mount as a subtest sees it.
func (m *realMount) in(t *testing.T) *realMount {
	p := *m.place
	p.env = &env{t, m.store}
	return &realMount{place: &p, cli: m.cli, dir: m.dir, cmd: m.cmd, ended: m.ended}
}

// killedWhileCopying kills a program as soon as parts of its file are at the store.
func (m *realMount) killedWhileCopying(signal syscall.Signal, key, old string, args []string) {
	m.Helper()
	if old != "" {
		m.put(key, old, nil)
		m.shows(key, old)
	}
	w := m.feed(args[0], args[1:]...)
	over := w.keepGiving(noise(1 << 20))
	m.parts(key)
	w.kill(signal)
	_ = w.in.Close()
	<-over
	m.isAsItWas(key, old)
}

// TestKilledWriterThatCloses says what becomes of a file whose writer catches the
// signal and closes it in order, as dd does with SIGINT: it is stored.
func TestKilledWriterThatCloses(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	piece := noise(1 << 20)
	w := m.feed("dd", "of=f", "bs=1M", "iflag=fullblock", "status=none")
	over := w.keepGiving(piece)
	m.parts("f")
	w.kill(syscall.SIGINT)
	_ = w.in.Close()
	<-over
	m.unmount()
	got, _ := m.get("f")
	if n := len(got) / len(piece); got != strings.Repeat(piece, n) || n == 0 {
		m.Errorf("the store has %d bytes that are not those of the first pieces", len(got))
	}
}

// pieces starts a program that writes what order tells it.
func (m *realMount) pieces(key string) *feeder {
	m.Helper()
	return m.feed("python3", "-c", pythonPieces, key)
}

// order has a program do something, and returns when it is done.
func (w *feeder) order(what string) {
	w.m.Helper()
	before := strings.Count(w.said.String(), "done "+what+"\n")
	w.give(what + "\n")
	waitUntil(w.m.T, "the program has done "+what, func() bool {
		select {
		case <-w.ended:
			w.m.Fatalf("the program has ended: %s", w.said.String())
		default:
		}
		return strings.Count(w.said.String(), "done "+what+"\n") > before
	})
}

// piece is an order to write text at an offset.
func piece(at, n int, letter string) string { return fmt.Sprintf("%d %d %s", at, n, letter) }

const mib = 1 << 20

func TestKilledWriterIsCommitted(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin("--on-writer-killed=commit")
	for key, size := range map[string]int{"small": 1000, "large": 40 * mib} {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
			name := fmt.Sprint(key, "-", int(signal))
			m.put(name, "old", nil)
			m.shows(name, "old")
			w := m.pieces(name)
			w.order(piece(0, size, "x"))
			w.kill(signal)
			want := strings.Repeat("x", size)
			m.eventually("what was written is stored", func() bool { got, _ := m.get(name); return got == want })
			m.shows(name, want)
		}
	}
	m.unmount()
}

func TestKilledWriterAfterSync(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	for key, size := range map[string]int{"small": 1000, "large": 24 * mib} {
		w := m.pieces(key)
		w.order(piece(0, size, "x"))
		w.order("sync")
		w.order(piece(size, 24*mib, "y"))
		w.kill(syscall.SIGKILL)
		want := strings.Repeat("x", size)
		m.noUploads(key)
		m.shows(key, want)
		m.stored(key, want)
	}
	m.unmount()
}

// TestKilledWriterOfTwo kills one of two that write a file at the same time, and
// another that shares its descriptor with a living one.
func TestKilledWriterOfTwo(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	m.put("f", strings.Repeat("old", 10*mib), nil)
	stays, dies := m.pieces("f"), m.pieces("f")
	stays.order(piece(0, 9*mib, "s"))
	dies.order(piece(12*mib, 9*mib, "d"))
	stays.order(piece(24*mib, 5*mib, "s"))
	dies.kill(syscall.SIGKILL)
	stays.order(piece(29*mib, 5*mib, "t"))
	stays.order("close")
	stays.finish()
	got, _ := m.get("f")
	for _, want := range []struct {
		from, to int
		letter   string
	}{{0, 9, "s"}, {24, 29, "s"}, {29, 34, "t"}} {
		if len(got) < want.to*mib || got[want.from*mib:want.to*mib] != strings.Repeat(want.letter, (want.to-want.from)*mib) {
			t.Errorf("MiB %d to %d of %d are not what the living writer wrote", want.from, want.to, len(got)/mib)
		}
	}
	w := m.feed("bash", "-c", `exec > g; (head -c 9000000 /dev/zero | tr '\0' a; kill -KILL $BASHPID); echo end`)
	if state := w.wait(); !state.Success() {
		t.Errorf("the shell: %v", state)
	}
	m.stored("g", strings.Repeat("a", 9000000)+"end\n")
	m.unmount()
}

// TestKilledWriterOfMany kills programs that write many small files.
func TestKilledWriterOfMany(t *testing.T) {
	t.Parallel()
	m := realPlace(t, versityGW.of(t)).begin()
	w := m.feed("bash", "-c", `i=0; while :; do printf "%0100d" $i > "f$i"; i=$((i+1)); done`)
	m.eventually("files arrive", func() bool { return len(m.keys()) > 20 })
	w.kill(syscall.SIGKILL)
	m.unmount()
	for _, key := range m.keys() {
		if got, there := m.get(key); !there || len(got) != 100 {
			t.Errorf("%s has %d bytes, want 100 or no file", key, len(got))
		}
	}
	if _, err := os.Stat(m.at("f0")); err == nil {
		t.Error("the mount is there")
	}
}
