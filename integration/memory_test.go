//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestMemoryOfManyFiles has 2,000 files open for writing with a few bytes each:
// more than the budget has room for, were it not for the spill file.
func TestMemoryOfManyFiles(t *testing.T) {
	client := newBucket(t, versityGW.of(t), "versitygw", bucketFor("many"))
	e := newEnv(t, retry.New(client, retry.Config{}))
	m := mounttest.New(e, e.store, mounttest.Options{
		FS:       func(c *fs.Config) { c.WriteThrough = true }, // else the kernel has the bytes until close
		Uploader: func(c *uploader.Config) { c.Memory = 48 * mib },
	})
	const count = 2000
	text := func(i int) string { return fmt.Sprintf("a few bytes of file %d", i) }
	files := make([]*os.File, count)
	for i := range files {
		files[i] = e.open(m, fmt.Sprint("f", i), os.O_WRONLY|os.O_CREATE)
		_, err := files[i].WriteString(text(i))
		e.ok(err)
	}
	if s := m.Uploader.Stats(); s.Files != count || s.Spilled == 0 || s.Memory > s.MemoryMax {
		t.Errorf("%+v", s)
	}
	var closing sync.WaitGroup
	for part := range 16 {
		closing.Go(func() {
			for i := part; i < count; i += 16 {
				if err := files[i].Close(); err != nil {
					t.Errorf("close f%d: %v", i, err)
				}
			}
		})
	}
	closing.Wait()
	for i := range count {
		e.stored(fmt.Sprint("f", i), text(i))
	}
	if s := m.Uploader.Stats(); s.Memory != 0 || s.Spilled != 0 {
		t.Errorf("%+v", s)
	}
}

// TestMemoryOfManyWriters has 64 writers at full speed in 64 MiB, some of which never
// fill a part, beside others that have written a little here and there and wait.
func TestMemoryOfManyWriters(t *testing.T) {
	t.Parallel()
	p := realPlace(t, versityGW.of(t))
	m := p.begin("--memory=64MiB")
	idle := make([]*os.File, 8)
	patch := bytes.Repeat([]byte("here and there, "), 4096/16)
	const patches, apart = 12, 9 * mib
	for i := range idle {
		f, err := os.OpenFile(m.at(fmt.Sprint("idle", i)), os.O_WRONLY|os.O_CREATE|syscall.O_DIRECT, 0o644)
		p.ok(err)
		defer f.Close()
		idle[i] = f
		for k := range patches {
			_, err := f.WriteAt(patch, int64(k)*apart)
			p.ok(err)
		}
	}
	text := noise(20 * mib)
	sizes := []int{20 * mib, 7 * mib, 9 * mib, 500_000}
	const writers = 64
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			f, err := os.Create(m.at(fmt.Sprint("busy", i)))
			if err != nil {
				t.Error(err)
				return
			}
			for rest := text[:sizes[i%len(sizes)]]; err == nil && rest != ""; {
				n := min(len(rest), 1+r.IntN(300_000))
				_, err = f.WriteString(rest[:n])
				rest = rest[n:]
			}
			if err != nil {
				t.Errorf("write busy%d: %v", i, err)
			}
			if err := f.Close(); err != nil {
				t.Errorf("close busy%d: %v", i, err)
			}
		})
	}
	writing.Wait()
	for _, f := range idle {
		p.ok(f.Close())
	}
	// --memory, and 40 MiB for everything else.
	if peak := peakMemory(p.env, m.cmd.Process.Pid); peak > (64+40)*mib {
		t.Errorf("the daemon took %d MiB", peak/mib)
	}
	m.unmount()
	for i := range writers {
		p.stored(fmt.Sprint("busy", i), text[:sizes[i%len(sizes)]])
	}
	scattered := make([]byte, (patches-1)*apart+len(patch))
	for k := range patches {
		copy(scattered[k*apart:], patch)
	}
	for i := range idle {
		p.stored(fmt.Sprint("idle", i), string(scattered))
	}
}

// TestMemoryOfEverything fills all shares of the memory at once: sixteen readers of
// large files beside eight writers.
func TestMemoryOfEverything(t *testing.T) {
	for _, memory := range []int64{40, 128} {
		t.Run(fmt.Sprint(memory, "MiB"), func(t *testing.T) {
			p := realPlace(t, versityGW.of(t))
			m := p.begin(fmt.Sprintf("--memory=%dMiB", memory))
			text := noise(16 * mib)
			const readers, writers, rounds = 16, 8, 3
			for i := range readers {
				p.put(fmt.Sprint("read", i), text, nil)
			}
			var working sync.WaitGroup
			for i := range readers {
				working.Go(func() {
					got, err := os.ReadFile(m.at(fmt.Sprint("read", i)))
					if err != nil || string(got) != text {
						t.Errorf("read%d: %d bytes, %v", i, len(got), err)
					}
				})
			}
			for i := range writers {
				working.Go(func() {
					if err := os.WriteFile(m.at(fmt.Sprint("write", i)), []byte(strings.Repeat(text, rounds)), 0o644); err != nil {
						t.Error(err)
					}
				})
			}
			working.Wait()
			if peak := peakMemory(p.env, m.cmd.Process.Pid); peak > (memory+40)*mib {
				t.Errorf("the daemon took %d MiB", peak/mib)
			}
			m.unmount()
			for i := range writers {
				p.stored(fmt.Sprint("write", i), strings.Repeat(text, rounds))
			}
		})
	}
}

// TestReadersHaveWhatNobodyWritesInto has sixteen readers in a mount that nobody writes
// to, and then a writer, who needs more than was left to him.
func TestReadersHaveWhatNobodyWritesInto(t *testing.T) {
	p := realPlace(t, versityGW.of(t))
	text := noise(16 * mib)
	const readers = 16
	for i := range readers {
		p.put(fmt.Sprint("read", i), text, nil)
	}
	m := p.begin("--memory=64MiB")
	files := make([]*os.File, readers)
	for i := range files {
		f, err := os.Open(m.at(fmt.Sprint("read", i)))
		p.ok(err)
		defer f.Close()
		files[i] = f
	}
	got := make([][]byte, len(files))
	half := func() {
		for i, f := range files {
			b := make([]byte, len(text)/2)
			_, err := io.ReadFull(f, b)
			p.ok(err)
			got[i] = append(got[i], b...)
		}
	}
	half()
	// The cache's own share is 12 MiB.
	if lent := m.status()[0].Totals.Lent; lent < 12*mib {
		t.Errorf("%d MiB are lent to the readers", lent/mib)
	}
	long := strings.Repeat(text, 8)
	p.ok(os.WriteFile(m.at("written"), []byte(long), 0o644))
	half()
	for i, f := range files {
		p.ok(f.Close())
		p.want(fmt.Sprint("read", i), string(got[i]), text)
	}
	m.unmount()
	p.stored("written", long)
}

// peakMemory is the most that a process has had in memory, in bytes.
func peakMemory(e *env, pid int) int64 {
	e.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	e.ok(err)
	var kib int64
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, err = fmt.Sscan(rest, &kib)
			e.ok(err)
		}
	}
	if kib == 0 {
		e.Fatal("the kernel does not tell of memory")
	}
	return kib << 10
}
