package uploader_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestPark says which files may wait for their commit.
func TestPark(t *testing.T) {
	p := tight()
	store := mem.New(p)
	base := putObject(t, store, "base", noise(1, 10))
	for name, c := range map[string]struct {
		open   uploader.OpenOptions
		n      int
		before func(*uploader.Uploader, *uploader.File)
		want   bool
	}{
		"new":             {n: 10, want: true},
		"empty":           {n: 0, want: true},
		"as much as goes": {n: 3 * chunk, want: true}, // a quarter of twelve
		"more":            {n: 3*chunk + 1},
		"in parts":        {n: 5 * cell},
		"of an object":    {open: uploader.OpenOptions{Base: &base}, n: 10},
		"unlinked":        {n: 10, before: func(_ *uploader.Uploader, f *uploader.File) { f.Unlink() }},
		"failed":          {n: 10, before: func(_ *uploader.Uploader, f *uploader.File) { f.Discard(uploader.ErrIntegrity) }},
		"committed":       {n: 10, before: func(_ *uploader.Uploader, f *uploader.File) { mustCommit(t, f) }},
		"beside others": {n: 2 * chunk, before: func(u *uploader.Uploader, _ *uploader.File) {
			other := u.Open("other", uploader.OpenOptions{})
			mustWrite(t, other, noise(3, 2*chunk), 0)
			other.Park(func() {})
		}},
		"after others": {n: 2 * chunk, want: true, before: func(u *uploader.Uploader, _ *uploader.File) {
			other := u.Open("other", uploader.OpenOptions{})
			mustWrite(t, other, noise(3, 2*chunk), 0)
			other.Park(func() {})
			other.Unpark()
		}},
		"one of many": {n: 0, before: func(u *uploader.Uploader, _ *uploader.File) {
			for i := range uploader.MaxParked {
				u.Open(fmt.Sprint("other", i), uploader.OpenOptions{}).Park(func() {})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t, store, tightConfig(t, &p))
			f := u.Open("f", c.open)
			mustWrite(t, f, noise(2, c.n), 0)
			if c.before != nil {
				c.before(u, f)
			}
			for range 2 { // again is the same
				if got := f.Park(func() {}); got != c.want {
					t.Errorf("Park reports %v", got)
				}
			}
		})
	}
}

// TestParkedIsRecalled commits a parked file when a writer needs its memory, or the
// uploader is drained, and not before.
func TestParkedIsRecalled(t *testing.T) {
	for name, need := range map[string]func(*testing.T, *uploader.Uploader){
		"memory": func(t *testing.T, u *uploader.Uploader) {
			f := u.Open("large", uploader.OpenOptions{Random: true})
			for i := range int64(6) { // of each cell a byte is missing, so that no part can leave
				mustWrite(t, f, noise(4, cell-1), i*cell)
			}
		},
		"the end": func(t *testing.T, u *uploader.Uploader) {
			if err := u.Drain(context.Background()); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := tight()
				store := mem.New(p)
				u := newUploader(t, store, tightConfig(t, &p))
				f := u.Open("f", uploader.OpenOptions{})
				content := noise(2, 100)
				mustWrite(t, f, content, 0)
				recalled := make(chan struct{}, 1)
				if !f.Park(func() {
					select {
					case recalled <- struct{}{}:
					default:
					}
				}) {
					t.Fatal("the file is not parked")
				}
				synctest.Wait()
				if len(recalled) != 0 || len(store.Keys()) != 0 {
					t.Error("it is recalled, or stored, and nobody needs that")
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					<-recalled
					mustCommit(t, f)
					if err := f.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				need(t, u)
				<-done
				if data, _, _ := store.Object("f"); string(data) != string(content) {
					t.Errorf("%d bytes are stored", len(data))
				}
			})
		})
	}
}
