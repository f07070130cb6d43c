//go:build integration

package integration

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// The limits of the scaled-down store: twenty parts, copies of 40 MiB. Two parts of
// 5 MiB are sent as they are, and what is behind them in segments of 40 MiB.
const (
	fewParts     = 20
	scaledPart   = 5 * mib
	scaledDirect = 2 * scaledPart
	scaledCopy   = 40 * mib
	plainWall    = fewParts * scaledPart // where a file of plain parts would have to end
)

// scaled is an environment on a real server that is believed to have small limits.
func scaled(t *testing.T, server s3server.Server, change func(*objstore.Profile)) *env {
	client := newBucket(t, server, string(server.Kind), bucketFor("limits"))
	scaleDown(client.Profile())
	if change != nil {
		change(client.Profile())
	}
	return newEnv(t, retry.New(client, retry.Config{}))
}

func scaleDown(p *objstore.Profile) { p.Part.MaxCount, p.MaxCopy = fewParts, scaledCopy }

// scaledMount mounts it with parts of 5 MiB.
func scaledMount(e *env, memory int64) *mounttest.Mount {
	return mounttest.New(e, e.store, mounttest.Options{
		Uploader: func(c *uploader.Config) {
			c.Memory, c.Ladder = memory, []uploader.Rung{{Size: scaledPart, PerMille: 100}}
		},
	})
}

// TestSizeHasNoWall writes files past the number of parts that a store takes.
func TestSizeHasNoWall(t *testing.T) {
	servers := map[string]func(*testing.T) s3server.Server{
		// This one refuses a part with a higher number.
		"versitygw": func(t *testing.T) s3server.Server {
			return s3server.VersityGW(t, "--mp-max-parts", strconv.Itoa(fewParts))
		},
		"minio": func(t *testing.T) s3server.Server { return minIO.of(t) },
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			writePastTheWall(scaled(t, server(t), nil))
		})
	}
}

// writePastTheWall writes a file of more bytes than the store's parts have, and
// then changes it.
func writePastTheWall(e *env) {
	m := scaledMount(e, 64*mib)
	const size = plainWall + 2*scaledCopy + 12345
	want := []byte(noise(size))
	f := e.open(m, "f", os.O_CREATE|os.O_RDWR)
	for at := 0; at < size; at += mib {
		_, err := f.Write(want[at:min(at+mib, size)])
		e.ok(err)
	}
	patch := func(text string, at int) {
		_, err := f.WriteAt([]byte(text), int64(at))
		e.ok(err)
		copy(want[at:], text)
	}
	patch("header", 0)
	e.ok(f.Sync())
	e.stored("f", string(want))
	if s := m.Uploader.Stats(); s.Staged < (size-scaledDirect)/scaledCopy || s.Failed != 0 {
		e.Errorf("%+v", s)
	}
	// And the object that it is now is changed in all its regions.
	patch("in a part", scaledPart-3)
	patch("across segments", scaledDirect+2*scaledCopy-5)
	want = append(want, "appended"...)
	_, err := f.WriteAt([]byte("appended"), size)
	e.ok(err)
	e.ok(f.Close())
	e.stored("f", string(want))
	e.want("what the mount reads", e.read(m, "f"), string(want))
	m.Unmount()
	if keys := e.keys(); len(keys) != 1 {
		e.Errorf("the bucket has %q", keys)
	}
}

// TestSizeHasAWall writes across the end of the largest file of a store that
// cannot copy parts.
func TestSizeHasAWall(t *testing.T) {
	e := scaled(t, versityGW.of(t), func(p *objstore.Profile) { p.PartCopy = false })
	m := scaledMount(e, 64*mib)
	if n := m.Uploader.MaxSize(); n != plainWall {
		t.Fatalf("the largest file has %d bytes, want %d", n, plainWall)
	}
	e.put("f", "old", nil)
	f := e.open(m, "f", os.O_WRONLY|os.O_TRUNC|syscall.O_DIRECT)
	block := []byte(noise(mib))
	for range plainWall / mib {
		_, err := f.Write(block)
		e.ok(err)
	}
	_, err := f.Write(block)
	e.fails("the write across the end", err, syscall.EFBIG)
	e.fails("close", f.Close(), syscall.EFBIG)
	e.stored("f", "old")
	f = e.open(m, "g", os.O_WRONLY|os.O_CREATE|syscall.O_DIRECT)
	for range plainWall / mib {
		_, err := f.Write(block)
		e.ok(err)
	}
	e.ok(f.Close())
	if n := e.head("g").Size; n != plainWall {
		t.Errorf("%d bytes stored, want %d", n, plainWall)
	}
}
