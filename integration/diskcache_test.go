//go:build integration

package integration

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/cache"
	sluice "github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// diskPlace is a store with one object, of which mounts keep what they read in dir.
type diskPlace struct {
	*testing.T
	dir     string
	store   *fault.Store
	content []byte
}

func newDiskPlace(t *testing.T, size int) *diskPlace {
	profile, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("there is no profile of AWS")
	}
	p := &diskPlace{T: t, dir: t.TempDir(), store: fault.New(mem.New(profile)), content: []byte(noise(size))}
	_, err := p.store.Put(t.Context(), "f", objstore.Body{
		Reader: bytes.NewReader(p.content), Size: int64(size), Digest: objstore.SumOf(profile.Digest, p.content),
	}, objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *diskPlace) mount(readOnly bool) *mounttest.Mount {
	return mounttest.New(p, p.store, mounttest.Options{
		FS: func(c *sluice.Config) { c.ReadOnly = readOnly },
		Cache: func(c *cache.Config) {
			c.DiskDir, c.DiskSize, c.DiskName = p.dir, 1<<30, "place"
		},
	})
}

// read checks the file through a handle that was just opened, with none of its
// pages in the kernel, and returns how many GETs that took.
func (p *diskPlace) read(m *mounttest.Mount) int64 {
	p.Helper()
	before := p.store.Calls(objstore.OpGet)
	f, err := os.Open(filepath.Join(m.Dir, "f"))
	if err != nil {
		p.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		p.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, p.content) {
		p.Fatalf("%d bytes, which are not those of the object, %v", len(got), err)
	}
	return p.store.Calls(objstore.OpGet) - before
}

// TestDiskCacheOutlivesTheMount also spoils it.
func TestDiskCacheOutlivesTheMount(t *testing.T) {
	p := newDiskPlace(t, 6<<20+123)
	first := p.mount(false)
	if n := p.read(first); n == 0 {
		t.Error("nothing was fetched at first")
	}
	first.Unmount()
	second := p.mount(false)
	if n := p.read(second); n != 0 {
		t.Errorf("%d GETs of what is on the disk", n)
	}
	both := p.mount(false)
	if n := p.read(both); n != 0 {
		t.Errorf("%d GETs of what another mount has on the disk", n)
	}
	second.Unmount()
	both.Unmount()
	spoil(t, p.dir, func(b []byte) { b[5<<20] ^= 1 })
	third := p.mount(false)
	if n := p.read(third); n == 0 {
		t.Error("what was spoiled was not fetched again")
	}
	third.Unmount()
	if n := p.read(p.mount(false)); n != 0 {
		t.Errorf("%d GETs after it was fetched again", n)
	}
}

// spoil changes the data of every file that is on the disk.
func spoil(t *testing.T, dir string, change func([]byte)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "data" {
			return err
		}
		n++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		change(b)
		return os.WriteFile(path, b, 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files, %v", n, err)
	}
}

// TestTheKernelReadsTheDiskCacheByItself is about read-only mounts: what was found
// to be right is read without asking the mount.
func TestTheKernelReadsTheDiskCacheByItself(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the kernel lets only root do that")
	}
	p := newDiskPlace(t, 6<<20+123)
	m := p.mount(true)
	held, err := os.Open(filepath.Join(m.Dir, "f")) // reads through the mount, as do those beside it
	if err != nil {
		t.Fatal(err)
	}
	p.read(m)
	p.read(m)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	eventuallyServedByTheKernel(p, m)
	m.Unmount()

	m = p.mount(true) // knows that it was found to be right
	if p.read(m); m.Cache.Stats().Served != 0 {
		t.Errorf("%d bytes of the first read went through the mount", m.Cache.Stats().Served)
	}
	m.Unmount()
	spoil(t, p.dir, func(b []byte) { b[5<<20] ^= 1 })

	m = p.mount(true)
	if n := p.read(m); n == 0 || m.Cache.Stats().Served == 0 {
		t.Errorf("%d GETs, %d bytes through the mount, of what was spoiled", n, m.Cache.Stats().Served)
	}
	eventuallyServedByTheKernel(p, m)

	// All at once, and in every order.
	var files []*os.File
	for range 4 {
		f, err := os.Open(filepath.Join(m.Dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for _, f := range files {
		b, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(b, p.content) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if out := m.Run("cmp f f && tail -c 10 f | wc -c"); strings.TrimSpace(out) != "10" {
		t.Errorf("programs read %q", out)
	}
}

// eventuallyServedByTheKernel waits until the handles that were open before are
// gone: the kernel tells of it after close.
func eventuallyServedByTheKernel(p *diskPlace, m *mounttest.Mount) {
	p.Helper()
	e := &env{T: p.T, store: p.store}
	e.eventually("the kernel reads by itself", func() bool {
		before := m.Cache.Stats().Served
		p.read(m)
		return m.Cache.Stats().Served == before
	})
}
