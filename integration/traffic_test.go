//go:build integration

package integration

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// traffic counts the bytes of objects that go to a store and come from it.
type traffic struct {
	objstore.Store
	up, down atomic.Int64
}

// Put implements objstore.Store.
func (s *traffic) Put(ctx context.Context, key string, b objstore.Body, o objstore.PutOptions) (objstore.Info, error) {
	s.up.Add(b.Size)
	return s.Store.Put(ctx, key, b, o)
}

// UploadPart implements objstore.Store.
func (s *traffic) UploadPart(ctx context.Context, up objstore.UploadRef, n int32, b objstore.Body) (objstore.Part, error) {
	s.up.Add(b.Size)
	return s.Store.UploadPart(ctx, up, n, b)
}

// Get implements objstore.Store.
func (s *traffic) Get(ctx context.Context, key string, o objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	body, info, err := s.Store.Get(ctx, key, o)
	if err == nil {
		body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(body, (*received)(&s.down)), body}
	}
	return body, info, err
}

// received counts what is written to it.
type received atomic.Int64

func (r *received) Write(p []byte) (int, error) {
	(*atomic.Int64)(r).Add(int64(len(p)))
	return len(p), nil
}

// measured is an environment on a real server whose traffic is counted.
func measured(t *testing.T) (*env, *traffic) {
	client := newBucket(t, versityGW.of(t), "versitygw", bucketFor("traffic"))
	counted := &traffic{Store: retry.New(client, retry.Config{})}
	return newEnv(t, counted), counted
}

// cost is what something took of a store.
type cost struct {
	requests, up, down int64
	ops                map[string]int64
}

// operations are the requests that are told apart.
var operations = append([]string{objstore.OpHead, objstore.OpList, objstore.OpGet}, writing...)

// measure returns what fn took.
func (s *traffic) measure(e *env, fn func()) cost {
	e.Helper()
	up, down := s.up.Load(), s.down.Load()
	before := map[string]int64{}
	for _, op := range operations {
		before[op] = e.store.Calls(op)
	}
	n := e.requests(fn)
	c := cost{n, s.up.Load() - up, s.down.Load() - down, map[string]int64{}}
	for _, op := range operations {
		if n := e.store.Calls(op) - before[op]; n > 0 {
			c.ops[op] = n
		}
	}
	return c
}

// atMost checks it against what it may take.
func (c cost) atMost(e *env, what string, limit cost) {
	e.Helper()
	e.Logf("%s: %d requests %v, %d bytes up, %d down", what, c.requests, c.ops, c.up, c.down)
	if c.requests > limit.requests || c.up > limit.up || c.down > limit.down {
		e.Errorf("%s is more than %d requests, %d bytes up, %d down", what, limit.requests, limit.up, limit.down)
	}
}

// TestTrafficOfChanges changes a large object a little, from open to close.
func TestTrafficOfChanges(t *testing.T) {
	e, counted := measured(t)
	text := noise(100 * mib)
	const part = 8 * mib
	change := func(name string, limit cost, write func(f *os.File)) {
		e.put(name, text, nil)
		m := e.mount()
		e.names(m, ".")
		c := counted.measure(e, func() {
			f, err := os.OpenFile(filepath.Join(m.Dir, name), os.O_WRONLY, 0)
			e.ok(err)
			write(f)
			e.ok(f.Close())
		})
		c.atMost(e, name, limit)
		m.Unmount()
	}
	change("patched", cost{requests: 6, up: part, down: part}, func(f *os.File) {
		_, err := f.WriteAt([]byte(noise(4096)), 50*mib)
		e.ok(err)
	})
	e.stored("patched", text[:50*mib]+noise(4096)+text[50*mib+4096:])
	change("appended", cost{requests: 5, up: mib}, func(f *os.File) {
		_, err := f.WriteAt([]byte(noise(mib)), 100*mib)
		e.ok(err)
	})
	e.stored("appended", text+noise(mib))
}

// TestTrafficOfAHeader writes the header of a new file again, after everything else:
// that is one part more.
func TestTrafficOfAHeader(t *testing.T) {
	e, counted := measured(t)
	m := e.mount()
	text := noise(64 * mib)
	c := counted.measure(e, func() {
		f := e.open(m, "f", os.O_WRONLY|os.O_CREATE)
		_, err := f.WriteString(text)
		e.ok(err)
		e.ok(unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER))
		e.eventually("parts are at the store", func() bool { return e.store.Calls(objstore.OpUploadPart) >= 4 })
		_, err = f.WriteAt([]byte("header"), 0)
		e.ok(err)
		e.ok(f.Close())
	})
	c.atMost(e, "header", cost{requests: 12, up: 64*mib + 8*mib})
	e.stored("f", "header"+text[6:])
}

// rewriting is a way to make a file in blocks of 64 KiB.
type rewriting struct {
	name   string
	size   int   // bytes of the file
	memory int64 // of the uploader
	order  func(r *rand.Rand, blocks int) []int
}

const rewrittenBlock = 64 << 10

// anyOrder writes every fifth block again, at any time after the first.
func anyOrder(r *rand.Rand, blocks int) []int {
	order := r.Perm(blocks)
	for range blocks / 5 {
		at := r.IntN(len(order))
		order = slices.Insert(order, at+1+r.IntN(len(order)-at), order[at])
	}
	return order
}

// frontToBack writes some blocks again when all were written.
func frontToBack(r *rand.Rand, blocks int) []int {
	var order []int
	for i := range blocks {
		order = append(order, i)
	}
	for range 50 {
		order = append(order, r.IntN(blocks))
	}
	return order
}

// writtenAgain is how many bytes the parts have of which something is written after
// they were complete, when they may have been sent.
func writtenAgain(order []int) int64 {
	const inPart = 8 * mib / rewrittenBlock
	written, again := map[int]bool{}, map[int]bool{}
	complete := map[int]int{} // blocks of a part that were written
	for _, block := range order {
		part := block / inPart
		again[part] = again[part] || complete[part] == inPart
		if !written[block] {
			written[block] = true
			complete[part]++
		}
	}
	var parts int64
	for _, yes := range again {
		if yes {
			parts++
		}
	}
	return parts * 8 * mib
}

func rewritings() []rewriting {
	const large, small, little = 256 * mib, 96 * mib, 32 * mib
	return []rewriting{
		{"in any order", large, 384 * mib, anyOrder},
		{"in any order in little memory", small, little, anyOrder},
		{"patched at the end", small, 384 * mib, frontToBack},
		{"patched at the end in little memory", small, little, frontToBack},
	}
}

// TestTrafficOfRewrites makes a new file of blocks of which many are written twice. It
// sends 1.2 times the file at the most, and once more the parts that were complete
// when something of them was written again: how many of these had left by then, the
// speed of the store decides.
func TestTrafficOfRewrites(t *testing.T) {
	for i, c := range rewritings() {
		t.Run(c.name, func(t *testing.T) {
			e, counted := measured(t)
			m := mounttest.New(e, e.store, mounttest.Options{Uploader: func(u *uploader.Config) { u.Memory = c.memory }})
			want := []byte(noise(c.size))
			order := c.order(rand.New(rand.NewPCG(uint64(i), 1)), c.size/rewrittenBlock)
			took := counted.measure(e, func() {
				f := e.open(m, "f", os.O_WRONLY|os.O_CREATE|syscall.O_DIRECT)
				for n, at := range order {
					block := want[at*rewrittenBlock:][:rewrittenBlock]
					block[0] = byte(n)
					_, err := f.WriteAt(block, int64(at)*rewrittenBlock)
					e.ok(err)
				}
				e.ok(f.Close())
			})
			e.stored("f", string(want))
			took.atMost(e, c.name, cost{requests: 150, up: int64(c.size)*12/10 + writtenAgain(order), down: int64(c.size)})
		})
	}
}
