// Package mounttest mounts any store in the process of a test, in a folder of
// the test's own.
//
// The test and the mount share the process: a test that blocks a thread in the
// mount while no thread is left to serve it would wait for ever. Go's file
// functions are safe, because the runtime starts another thread; mapping a file
// of the mount, and starting a program in a folder of the mount, are not: see
// the notes on deadlocks in go-fuse's package fs. Programs are started by [Run].
package mounttest

import (
	"context"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// Mount is a mounted store.
type Mount struct {
	Dir      string // where it is mounted
	FS       *fs.FileSystem
	Cache    *cache.Cache
	Uploader *uploader.Uploader
	Store    objstore.Store

	t         testing.TB
	label     string // of its goroutines
	unmounted bool
}

// Options change how a mount is made. The zero value mounts as the command does.
type Options struct {
	FS       func(*fs.Config)
	Uploader func(*uploader.Config)
	Cache    func(*cache.Config)
	// Leftovers says that unfinished uploads may be there after the unmount.
	Leftovers bool
}

// hidden is where the mount keeps objects of its own.
const hidden = ".sluicefs/"

// New mounts a store. When the test ends it is unmounted, and the test fails if
// it cannot be, or if goroutines or unfinished uploads are left behind.
func New(t testing.TB, store objstore.Store, o Options) *Mount {
	t.Helper()
	m := &Mount{Dir: t.TempDir(), Store: store, t: t}
	hide := func(key string) bool { return key == hidden || len(key) > len(hidden) && key[:len(hidden)] == hidden }

	cacheConfig := cache.Config{Hide: hide}
	uploadConfig := uploader.Config{SpillDir: t.TempDir()}
	config := fs.Config{Store: store, Source: "sluicefs:test", Hide: hide, Log: logger(t)}
	if o.FS != nil {
		o.FS(&config)
	}
	cacheConfig.ListOnly = config.Metadata == fs.MetadataNone
	if o.Cache != nil {
		o.Cache(&cacheConfig)
	}
	if o.Uploader != nil {
		o.Uploader(&uploadConfig)
	}
	m.label = labelled(func() { m.start(cacheConfig, uploadConfig, config) })
	t.Cleanup(func() {
		m.Unmount()
		if !o.Leftovers {
			noUploads(t, store)
		}
		noGoroutines(t, m.label)
	})
	return m
}

// start makes what a mount consists of, and mounts it.
func (m *Mount) start(c cache.Config, u uploader.Config, f fs.Config) {
	ctx := context.Background()
	var err error
	if m.Uploader, err = uploader.New(ctx, m.Store, u); err != nil {
		m.t.Fatal(err)
	}
	c.Lender = m.Uploader
	if m.Cache, err = cache.New(m.Store, c); err != nil {
		m.t.Fatal(err)
	}
	f.Cache, f.Uploader = m.Cache, m.Uploader
	if m.FS, err = fs.Mount(ctx, m.Dir, f); err != nil {
		m.t.Fatalf("%v (these tests need /dev/fuse, and root or fusermount3)", err)
	}
}

// patience is how long an end may take on a loaded machine.
const patience = 30 * time.Second

// Unmount takes the mount away and closes what is under it. A second call does
// nothing.
func (m *Mount) Unmount() {
	m.t.Helper()
	if m.unmounted {
		return
	}
	m.unmounted = true
	if err := m.FS.Unmount(); err != nil {
		// A file that the test left open: the mount lives as long as it does, and
		// waiting for its end here would wait for ever.
		detach(m.t, m.Dir)
		m.t.Errorf("%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.Uploader.Drain(ctx); err != nil {
		m.t.Errorf("%v", err)
	}
	if err := m.Uploader.Close(); err != nil {
		m.t.Errorf("close the uploader: %v", err)
	}
	m.Cache.Close()
}
